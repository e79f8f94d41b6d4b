"""The adapter for OpenAI's Responses: nothing is stored there, what a model thought comes encrypted and goes back."""

from typing import TYPE_CHECKING, Any

from nightshift.models.openai_client import OpenAIClient, timeout_of
from nightshift.models.port import ModelAnswer, ModelRequest, ProviderSettings, RetryPolicy
from nightshift.models.provider import Provider
from nightshift.models.responses_answer import read_responses_answer
from nightshift.models.responses_request import responses_request

if TYPE_CHECKING:
    from openai._legacy_response import LegacyAPIResponse
    from openai.types.responses import Response


def connect(provider: Provider, settings: ProviderSettings, policy: RetryPolicy) -> "OpenAIResponsesModel":
    """Make the adapter; opens no connection yet."""
    return OpenAIResponsesModel(OpenAIClient(provider, settings, policy))


class OpenAIResponsesModel:
    """One server that speaks Responses."""

    def __init__(self, client: OpenAIClient) -> None:
        self._client = client

    @property
    def endpoint(self) -> str | None:
        return self._client.endpoint

    def complete(self, request: ModelRequest) -> ModelAnswer:
        """Ask the model once; see the port."""
        return self._client.complete(request, lambda seconds: self._post(request, seconds), read_responses_answer)

    def _post(self, request: ModelRequest, seconds: float) -> "LegacyAPIResponse[Response]":
        body: dict[str, Any] = responses_request(request)
        return self._client.sdk.responses.with_raw_response.create(**body, timeout=timeout_of(seconds))
