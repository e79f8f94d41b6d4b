"""A response of OpenAI's as a `ModelAnswer`, read from the JSON itself: imitators add and omit fields."""

from collections.abc import Mapping, Sequence
from typing import Any

from nightshift.domain.content import (
    ContentPart,
    OmittedReasoningPart,
    ReasoningPart,
    ReasoningSummary,
    SummarizedReasoningPart,
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
from nightshift.models.logprobs import token_logprobs
from nightshift.models.port import Finish, ModelAnswer
from nightshift.models.responses_request import MAKER

type Item = Mapping[str, Any]


def read_responses_answer(response: Item, request_id: str | None) -> ModelAnswer:
    """Translate the body of a response.

    Raises:
        MalformedAnswerError: not a response, or one that failed at the provider.
        AnswerWithheldError: the provider's filter cut it.
    """
    reason = text_at(object_at(response, "incomplete_details"), "reason")
    if reason == "content_filter":
        raise AnswerWithheldError
    if not isinstance(response.get("output"), list):
        raise MalformedAnswerError(f"expected output to be a list, found {type(response.get('output')).__name__}")
    if response.get("status") in {"failed", "cancelled"}:
        raise MalformedAnswerError(f"the response has the status {response['status']}")
    items = objects_at(response, "output")
    tool_calls = tuple(_tool_call(item) for item in items if item.get("type") == "function_call")
    return ModelAnswer(
        content=tuple(part for item in items for part in _parts(item)),
        tool_calls=tool_calls,
        finish=Finish.LENGTH if reason else Finish.TOOL_CALLS if tool_calls else Finish.STOP,
        usage=_usage(object_at(response, "usage")),
        request_id=request_id or text_at(response, "id") or None,
        logprobs=_logprobs(items),
    )


def _parts(item: Item) -> list[ContentPart]:
    match item.get("type"):
        case "reasoning":
            return [part] if (part := _thought(item)) else []
        case "message":
            # A refusal is what the model says to the user, in a part of its own.
            said = (text_at(part, "text") or text_at(part, "refusal") for part in objects_at(item, "content"))
            return [TextPart(text) for text in said if text]
        case _:
            return []


def _thought(item: Item) -> ContentPart | None:
    """Return the form that fits: whole where a server shows its thoughts, else summary and what is encrypted."""
    whole = "\n".join(text_at(part, "text") for part in objects_at(item, "content"))
    encrypted = text_at(item, "encrypted_content") or None
    paragraphs = [text_at(part, "text") for part in objects_at(item, "summary")]
    if whole and not encrypted:
        return ReasoningPart(whole, maker=MAKER)
    if encrypted or any(paragraphs):
        summary = tuple(ReasoningSummary(place, text) for place, text in enumerate(paragraphs))
        return SummarizedReasoningPart(text_at(item, "id"), summary, encrypted, MAKER)
    return OmittedReasoningPart(maker=MAKER)


def _tool_call(item: Item) -> ToolCall:
    return ToolCall(require_text(item, "call_id"), require_text(item, "name"), text_at(item, "arguments") or "{}")


def _logprobs(items: Sequence[Item]) -> dict[str, Any] | None:
    parts = [part for item in items if item.get("type") == "message" for part in objects_at(item, "content")]
    tokens = [token for part in parts for token in objects_at(part, "logprobs")]
    return {"content": token_logprobs(tokens), "refusal": None} if tokens else None


def _usage(usage: Item) -> Usage:
    prompt, completion = count_at(usage, "input_tokens"), count_at(usage, "output_tokens")
    cache = object_at(usage, "input_tokens_details")
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=count_at(usage, "total_tokens") or prompt + completion,
        cached_input_tokens=count_at(cache, "cached_tokens"),
        cache_write_tokens=count_at(cache, "cache_write_tokens"),
        reasoning_tokens=count_at(object_at(usage, "output_tokens_details"), "reasoning_tokens"),
    )
