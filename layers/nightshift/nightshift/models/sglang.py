"""The adapter for SGLang: Chat Completions, and its own `/generate` where a run wants the ids of the tokens.

Chat Completions write the prompt with the model's own template and keep the ids to themselves. `/generate` takes a
prompt that is written already and gives the ids, so here it is written by `models/chatml.py`, which fits Qwen and the
many models trained on that form. Whoever asks for token ids of another model gets what that model makes of it.
"""

from typing import Any, Final

import httpx2 as httpx

from nightshift.models.chatml import END_OF_TURN, read_chatml_answer, write_chatml
from nightshift.models.openai_chat import OpenAIChatModel
from nightshift.models.openai_client import OpenAIClient, timeout_of
from nightshift.models.port import ModelAnswer, ModelRequest, ProviderSettings, RetryPolicy
from nightshift.models.provider import Provider

DEFAULT_MAX_NEW_TOKENS: Final = 4_096
"""SGLang's own default is 128, which cuts nearly every answer."""


def connect(provider: Provider, settings: ProviderSettings, policy: RetryPolicy) -> "SGLangModel":
    """Make the adapter; opens no connection yet."""
    return SGLangModel(OpenAIClient(provider, settings, policy))


class SGLangModel:
    """One SGLang server."""

    def __init__(self, client: OpenAIClient) -> None:
        self._client = client
        self._chat = OpenAIChatModel(client)

    @property
    def endpoint(self) -> str | None:
        return self._client.endpoint

    def complete(self, request: ModelRequest) -> ModelAnswer:
        """Ask the model once; see the port."""
        if not request.wants_token_ids:
            return self._chat.complete(request)
        maker = self._client.provider.name
        return self._client.complete(
            request,
            lambda seconds: self._generate(request, seconds),
            lambda body, request_id: read_chatml_answer(body, request_id, maker),
        )

    def _generate(self, request: ModelRequest, seconds: float) -> "_Raw":
        response = self._client.sdk.post(
            str(self._client.sdk.base_url).rstrip("/").removesuffix("/v1") + "/generate",
            cast_to=httpx.Response,
            body=_body(request),
            options={"timeout": timeout_of(seconds)},
        )
        return _Raw(response)


class _Raw:
    """An HTTP response in the form of the SDK's raw ones."""

    def __init__(self, response: httpx.Response) -> None:
        self.http_response = response
        self.request_id = response.headers.get("x-request-id")


def _body(request: ModelRequest) -> dict[str, Any]:
    sampling = {
        "max_new_tokens": request.max_tokens or DEFAULT_MAX_NEW_TOKENS,
        "stop": [END_OF_TURN],
        "temperature": request.temperature,
    }
    return {
        "text": write_chatml(request),
        "sampling_params": {name: value for name, value in sampling.items() if value is not None},
        "return_logprob": True,
        "top_logprobs_num": request.top_logprobs or 0,
        "return_text_in_logprobs": True,
    }
