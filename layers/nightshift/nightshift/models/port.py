"""The port to language models: one request, one answer, whoever the provider is.

An adapter is one module: it implements `Model`, offers `connect`, and is imported by `models/registry.py` only when a
provider that it serves (`models/provider.py`) is asked for, so that it may import its SDK at the top. It raises
`ModelCallError` when no usable answer came after the retries of `models/retries.py`. Adapters know nothing of runs,
storage or tenants. Imports the domain alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from nightshift.domain.message import ContentPart, Message, ToolCall, ToolSchema, Usage


class Finish(StrEnum):
    """Why the model stopped, in one vocabulary for all providers."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Where a provider is and how to sign in; equal settings share one adapter and its connections.

    Attributes:
        base_url: the address of the API, None for the provider's own.
        api_key: never shown by `repr`. None means no key: a server without one, or on AWS the function's role.
    """

    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient one call is; `ModelRequest.timeout_seconds` bounds it as a whole all the same.

    Attributes:
        max_attempts: calls in all, the first one counted.
        attempt_timeout_seconds: for one attempt; the default is the official OpenAI SDK's.
        first_wait_seconds: before the second attempt; doubles from there on, with jitter of the same size on top.
        max_wait_seconds: between two attempts. A provider's longer `Retry-After` is not slept through: the error is
            raised at once and carries it.
    """

    max_attempts: int = 4
    attempt_timeout_seconds: float = 600
    first_wait_seconds: float = 0.5
    max_wait_seconds: float = 20


DEFAULT_RETRY_POLICY = RetryPolicy()


@dataclass(frozen=True, slots=True)
class Reasoning:
    """What is asked of a model's reasoning; what a provider has no word for, its adapter leaves out.

    Attributes:
        is_on: None leaves it to the provider, which is right for models that can't reason too.
        effort: none, minimal, low, medium, high, xhigh or max, as far as the model knows them.
        budget_tokens: most tokens to think with, where a model is told so in tokens.
    """

    is_on: bool | None = None
    effort: str | None = None
    budget_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of a model.

    Attributes:
        model: the provider's own model id, without the `provider/` of the handle.
        system: the system prompt, empty for none.
        messages: the conversation, oldest first, without its system message; every tool call has its return in the
            messages directly after it, and no return comes without its call.
        timeout_seconds: for the whole call with its retries, by the wall clock.
        max_tokens: most tokens the answer may have, None for the provider's default.
        tool_choice: None or `auto` leaves it to the model, `required` demands some call, other text the tool it names.
        parallel_tool_calls: whether one answer may hold several calls; None for the provider's default.
        response_format: as in the API: `{"type": "json_object"}`, `{"type": "json_schema", "json_schema": {...}}`.
        top_logprobs: ask for log probabilities with this many alternatives a token, None for none at all.
        wants_token_ids: ask for the ids of the answer's tokens, which only SGLang's own protocol has.
    """

    model: str
    system: str
    messages: tuple[Message, ...]
    timeout_seconds: float
    tools: tuple[ToolSchema, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    reasoning: Reasoning = Reasoning()
    tool_choice: str | None = None
    parallel_tool_calls: bool | None = None
    response_format: Mapping[str, Any] | None = field(default=None, hash=False)
    top_logprobs: int | None = None
    wants_token_ids: bool = False


@dataclass(frozen=True, slots=True)
class TokenTrace:
    """The tokens of an answer.

    Attributes:
        output_ids: in the model's own vocabulary.
        logprobs: for each token `[logprob, id, text or null]`, as SGLang has it.
    """

    output_ids: tuple[int, ...]
    logprobs: tuple[tuple[float, int, str | None], ...]


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What the model said, possibly neither text nor a tool call: the caller judges that.

    Attributes:
        usage: `prompt_tokens` includes those read from and written to a cache, for every provider.
        request_id: the provider's own, for its support.
        logprobs: `{"content": [{"token", "logprob", "bytes", "top_logprobs"}], "refusal"}` (letta_api_spec §3.10),
            None when they were not asked for or the provider has none.
        tokens: None likewise.
    """

    content: tuple[ContentPart, ...]
    tool_calls: tuple[ToolCall, ...]
    finish: Finish
    usage: Usage
    request_id: str | None = None
    logprobs: Mapping[str, Any] | None = None
    tokens: TokenTrace | None = None


class Model(Protocol):
    """One provider, safe to use from many threads. `endpoint` is the address calls go to, for the step's record."""

    @property
    def endpoint(self) -> str | None: ...

    def complete(self, request: ModelRequest) -> ModelAnswer:
        """Ask the model once.

        Raises:
            ModelCallError: no usable answer after the retries; not safe to assume that nothing was billed.
        """
        ...
