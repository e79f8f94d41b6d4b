"""The adapter for OpenAI Chat Completions, which nearly every server speaks: vLLM, Ollama, llama.cpp, OpenRouter."""

from typing import TYPE_CHECKING, Any, cast

from openai import omit

from nightshift.models.chat_answer import read_chat_answer
from nightshift.models.chat_request import chat_messages, chat_tool_choice, chat_tools
from nightshift.models.openai_client import OpenAIClient, timeout_of
from nightshift.models.port import ModelAnswer, ModelRequest, ProviderSettings, RetryPolicy
from nightshift.models.provider import Provider
from nightshift.models.reasoning_effort import effort_at_openai

if TYPE_CHECKING:
    from openai._legacy_response import LegacyAPIResponse
    from openai.types.chat import ChatCompletion


def connect(provider: Provider, settings: ProviderSettings, policy: RetryPolicy) -> "OpenAIChatModel":
    """Make the adapter; opens no connection yet."""
    return OpenAIChatModel(OpenAIClient(provider, settings, policy))


class OpenAIChatModel:
    """One server that speaks Chat Completions."""

    def __init__(self, client: OpenAIClient) -> None:
        self._client = client

    @property
    def endpoint(self) -> str | None:
        return self._client.endpoint

    def complete(self, request: ModelRequest) -> ModelAnswer:
        """Ask the model once; see the port."""
        maker = self._client.provider.name
        return self._client.complete(
            request,
            lambda seconds: self._post(request, seconds),
            lambda body, request_id: read_chat_answer(body, request_id, maker),
        )

    def _post(self, request: ModelRequest, seconds: float) -> "LegacyAPIResponse[ChatCompletion]":
        """Send the request and return the raw answer: the SDK's types drop what compatible servers add."""
        provider = self._client.provider
        messages = chat_messages(request.system, request.messages, provider.name, provider.reasoning_field)
        return self._client.sdk.chat.completions.with_raw_response.create(
            model=request.model,
            messages=messages,
            tools=chat_tools(request.tools) or omit,
            tool_choice=chat_tool_choice(request) or omit,
            temperature=omit if request.temperature is None else request.temperature,
            response_format=cast("Any", request.response_format) or omit,
            extra_body=self._dialect(request) or None,
            timeout=timeout_of(seconds),
        )

    def _dialect(self, request: ModelRequest) -> dict[str, Any]:
        """Return the fields that not every server knows, each only where it is asked for."""
        is_own = self._client.is_openais_own
        fields: dict[str, Any] = {}
        if request.max_tokens is not None:
            # OpenAI's newer models refuse the old name of the limit; compatible servers may know nothing else.
            fields["max_completion_tokens" if is_own else "max_tokens"] = request.max_tokens
        if request.tools and request.parallel_tool_calls is not None:
            fields["parallel_tool_calls"] = request.parallel_tool_calls
        if request.top_logprobs is not None:
            fields |= {"logprobs": True} | ({"top_logprobs": request.top_logprobs} if request.top_logprobs else {})
        if request.reasoning.is_on is False and not is_own:
            return fields | dict(self._client.provider.reasoning_off)
        effort = effort_at_openai(request) if is_own else request.reasoning.effort
        return fields | ({"reasoning_effort": effort} if effort else {})
