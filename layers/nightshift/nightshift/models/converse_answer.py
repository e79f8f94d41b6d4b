"""Converse's answer as a `ModelAnswer`."""

import json
from base64 import b64encode
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
    require_object,
    require_text,
    text_at,
)
from nightshift.models.failures import AnswerWithheldError
from nightshift.models.port import Finish, ModelAnswer

FILTERED_STOP_REASON: Final = "content_filtered"
"""The provider's own filter cut the answer. A guardrail, in contrast, puts the text its owner wrote for this case."""

_MALFORMED_STOP_REASONS: Final = frozenset({"malformed_model_output", "malformed_tool_use"})

_FINISHES: Final = {
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "tool_use": Finish.TOOL_CALLS,
}


def read_converse_answer(response: Mapping[str, Any], maker: str) -> ModelAnswer:
    """Translate what `client.converse` returned; `maker` is of its reasoning.

    Raises:
        AnswerWithheldError: the provider's filter cut it.
        MalformedAnswerError: not an answer of Converse, or one that the model itself got wrong.
    """
    stop_reason = text_at(response, "stopReason")
    if stop_reason == FILTERED_STOP_REASON:
        raise AnswerWithheldError
    if stop_reason in _MALFORMED_STOP_REASONS:
        raise MalformedAnswerError(f"the model stopped with {stop_reason}")
    message = object_at(require_object(response.get("output"), "output"), "message")
    blocks = objects_at(require_object(message, "output.message"), "content")
    tool_calls = tuple(_tool_call(object_at(block, "toolUse")) for block in blocks if "toolUse" in block)
    return ModelAnswer(
        content=tuple(part for block in blocks for part in _parts(block, maker)),
        tool_calls=tool_calls,
        finish=_FINISHES.get(stop_reason, Finish.TOOL_CALLS if tool_calls else Finish.STOP),
        usage=_usage(object_at(response, "usage")),
        request_id=text_at(object_at(response, "ResponseMetadata"), "RequestId") or None,
    )


def _parts(block: Mapping[str, Any], maker: str) -> list[ContentPart]:
    if text := text_at(block, "text"):
        return [TextPart(text)]
    reasoning = object_at(block, "reasoningContent")
    if isinstance(redacted := reasoning.get("redactedContent"), bytes):
        return [RedactedReasoningPart(b64encode(redacted).decode(), maker)]
    thought = object_at(reasoning, "reasoningText")
    signature = text_at(thought, "signature") or None
    if words := text_at(thought, "text"):
        return [ReasoningPart(words, signature=signature, maker=maker)]
    return [OmittedReasoningPart(signature, maker)] if signature else []


def _tool_call(use: Mapping[str, Any]) -> ToolCall:
    arguments = json.dumps(use.get("input") or {}, ensure_ascii=False)
    return ToolCall(require_text(use, "toolUseId"), require_text(use, "name"), arguments)


def _usage(usage: Mapping[str, Any]) -> Usage:
    """Add the cached tokens to the prompt's: Converse counts them beside `inputTokens`, the port within."""
    cache_read, cache_write = count_at(usage, "cacheReadInputTokens"), count_at(usage, "cacheWriteInputTokens")
    prompt = count_at(usage, "inputTokens") + cache_read + cache_write
    completion = count_at(usage, "outputTokens")
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=prompt + completion,
        cached_input_tokens=cache_read,
        cache_write_tokens=cache_write,
    )
