"""The adapter for `openai/…`: Responses for models that reason, at OpenAI itself; Chat Completions for all else.

Some of those models are served by Responses alone, and all of them think on from their earlier thoughts only there.
Other servers behind `OPENAI_BASE_URL` speak Chat Completions; one that speaks Responses is reached as
`openai-responses/…`.
"""

from nightshift.models.openai_chat import OpenAIChatModel
from nightshift.models.openai_client import OpenAIClient
from nightshift.models.openai_responses import OpenAIResponsesModel
from nightshift.models.port import ModelAnswer, ModelRequest, ProviderSettings, RetryPolicy
from nightshift.models.provider import Provider
from nightshift.models.reasoning_effort import reasons


def connect(provider: Provider, settings: ProviderSettings, policy: RetryPolicy) -> "OpenAIModels":
    """Make the adapter; opens no connection yet."""
    return OpenAIModels(OpenAIClient(provider, settings, policy))


class OpenAIModels:
    """OpenAI's models, each by the protocol that serves it best, over the same connections."""

    def __init__(self, client: OpenAIClient) -> None:
        self._client = client
        self._chat = OpenAIChatModel(client)
        self._responses = OpenAIResponsesModel(client)

    @property
    def endpoint(self) -> str | None:
        return self._client.endpoint

    def complete(self, request: ModelRequest) -> ModelAnswer:
        """Ask the model once; see the port."""
        is_for_responses = self._client.is_openais_own and reasons(request.model)
        return (self._responses if is_for_responses else self._chat).complete(request)
