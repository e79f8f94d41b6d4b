"""A message of Anthropic's as a `ModelAnswer`, read from the JSON itself: imitators add and omit fields."""

import json
from collections.abc import Mapping
from typing import Any, Final

from nightshift.domain.content import (
    ContentPart,
    OmittedReasoningPart,
    ReasoningPart,
    RedactedReasoningPart,
    TextPart,
)
from nightshift.domain.message import ToolCall, Usage
from nightshift.models.answer_fields import (
    MalformedAnswerError,
    count_at,
    object_at,
    objects_at,
    require_text,
    text_at,
)
from nightshift.models.failures import AnswerWithheldError
from nightshift.models.port import Finish, ModelAnswer

FILTERED_STOP_REASON: Final = "refusal"
"""A classifier of Anthropic's stopped the answer, which is not the model's own words that it would rather not."""

_FINISHES: Final = {
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "tool_use": Finish.TOOL_CALLS,
}


def read_anthropic_answer(message: Mapping[str, Any], request_id: str | None, maker: str) -> ModelAnswer:
    """Translate the body of a message; `maker` is of its reasoning.

    Raises:
        MalformedAnswerError: not a message.
        AnswerWithheldError: a filter stopped it.
    """
    stop_reason = text_at(message, "stop_reason")
    if stop_reason == FILTERED_STOP_REASON:
        raise AnswerWithheldError
    if not isinstance(message.get("content"), list):
        raise MalformedAnswerError(f"expected content to be a list, found {type(message.get('content')).__name__}")
    blocks = objects_at(message, "content")
    tool_calls = tuple(_tool_call(block) for block in blocks if block.get("type") == "tool_use")
    return ModelAnswer(
        content=tuple(part for block in blocks for part in _parts(block, maker)),
        tool_calls=tool_calls,
        finish=_FINISHES.get(stop_reason, Finish.TOOL_CALLS if tool_calls else Finish.STOP),
        usage=_usage(object_at(message, "usage")),
        request_id=request_id or text_at(message, "id") or None,
    )


def _parts(block: Mapping[str, Any], maker: str) -> list[ContentPart]:
    match block.get("type"):
        case "text":
            return [TextPart(text)] if (text := text_at(block, "text")) else []
        case "thinking":
            return _thinking(text_at(block, "thinking"), text_at(block, "signature") or None, maker)
        case "redacted_thinking":
            return [RedactedReasoningPart(require_text(block, "data"), maker)]
        case _:
            return []


def _thinking(thought: str, signature: str | None, maker: str) -> list[ContentPart]:
    if thought:
        return [ReasoningPart(thought, signature=signature, maker=maker)]
    return [OmittedReasoningPart(signature, maker)] if signature else []


def _tool_call(block: Mapping[str, Any]) -> ToolCall:
    arguments = json.dumps(block.get("input") or {}, ensure_ascii=False)
    return ToolCall(require_text(block, "id"), require_text(block, "name"), arguments)


def _usage(usage: Mapping[str, Any]) -> Usage:
    """Add the cached tokens to the prompt's: Anthropic counts them beside `input_tokens`, the port within."""
    cached = count_at(usage, "cache_read_input_tokens")
    written = count_at(usage, "cache_creation_input_tokens")
    prompt, completion = count_at(usage, "input_tokens") + cached + written, count_at(usage, "output_tokens")
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=count_at(object_at(usage, "output_tokens_details"), "thinking_tokens"),
    )
