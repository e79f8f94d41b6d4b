"""A chat completion as a `ModelAnswer`, read from the JSON itself: compatible servers add and omit fields."""

from collections.abc import Mapping
from typing import Any, Final

from nightshift.domain.ids import new_otid
from nightshift.domain.message import ContentPart, ReasoningPart, TextPart, ToolCall, Usage
from nightshift.models.answer_fields import (
    MalformedAnswerError,
    count_at,
    object_at,
    objects_at,
    require_object,
    require_text,
    text_at,
)
from nightshift.models.failures import AnswerWithheldError
from nightshift.models.logprobs import read_logprobs
from nightshift.models.port import Finish, ModelAnswer

FILTERED_FINISH_REASON: Final = "content_filter"

_REASONING_FIELDS: Final = ("reasoning_content", "reasoning")
"""DeepSeek, vLLM, SGLang and llama.cpp use the first, Ollama and OpenRouter the second; none is OpenAI's."""


def read_chat_answer(completion: Mapping[str, Any], request_id: str | None, maker: str) -> ModelAnswer:
    """Translate the body of a chat completion; only its first choice counts.

    Args:
        maker: of its reasoning.

    Raises:
        MalformedAnswerError: not a chat completion.
        AnswerWithheldError: the provider's filter cut it.
    """
    choice = first_choice(completion)
    if text_at(choice, "finish_reason") == FILTERED_FINISH_REASON:
        raise AnswerWithheldError
    message = require_object(choice.get("message"), "choices[0].message")
    tool_calls = tuple(_tool_call(call) for call in objects_at(message, "tool_calls"))
    return ModelAnswer(
        content=_content(message, maker),
        tool_calls=tool_calls,
        finish=_finish(text_at(choice, "finish_reason"), has_tool_calls=bool(tool_calls)),
        usage=_usage(object_at(completion, "usage")),
        request_id=request_id or text_at(completion, "id") or None,
        logprobs=read_logprobs(choice.get("logprobs")),
    )


def first_choice(completion: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the first choice, which every completion has."""
    choices = objects_at(completion, "choices")
    if not choices:
        raise MalformedAnswerError("expected choices to hold one, found none")
    return choices[0]


def _content(message: Mapping[str, Any], maker: str) -> tuple[ContentPart, ...]:
    """Return reasoning, text and refusal, as far as they are there, in this order."""
    parts: list[ContentPart] = []
    reasoning = next((text for name in _REASONING_FIELDS if (text := text_at(message, name))), "")
    if reasoning:
        parts.append(ReasoningPart(reasoning, maker=maker))
    # A refusal is what the model says to the user, in a field of its own.
    parts += [TextPart(text) for text in (_text(message), text_at(message, "refusal")) if text]
    return tuple(parts)


def _text(message: Mapping[str, Any]) -> str:
    """Return the text, which some servers send as a list of parts."""
    if isinstance(message.get("content"), list):
        return "".join(text_at(part, "text") for part in objects_at(message, "content"))
    return text_at(message, "content")


def _tool_call(call: Mapping[str, Any]) -> ToolCall:
    """Read a call; some servers send no id, yet the return must be able to name its call."""
    function = require_object(call.get("function"), "tool_calls[].function")
    call_id = text_at(call, "id") or f"call_{new_otid()}"
    return ToolCall(call_id, require_text(function, "name"), text_at(function, "arguments") or "{}")


def _finish(reason: str, *, has_tool_calls: bool) -> Finish:
    """Map the reason; calls count as such although a server says `stop`, as several do."""
    if reason == "length":
        return Finish.LENGTH
    return Finish.TOOL_CALLS if has_tool_calls else Finish.STOP


def _usage(usage: Mapping[str, Any]) -> Usage:
    prompt, completion = count_at(usage, "prompt_tokens"), count_at(usage, "completion_tokens")
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=count_at(usage, "total_tokens") or prompt + completion,
        cached_input_tokens=count_at(object_at(usage, "prompt_tokens_details"), "cached_tokens"),
        reasoning_tokens=count_at(object_at(usage, "completion_tokens_details"), "reasoning_tokens"),
    )
