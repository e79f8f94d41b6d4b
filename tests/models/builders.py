"""Messages and requests for the tests of the adapters, as short as they can be said."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from nightshift.domain.message import ContentPart, Message, MessageDraft, Role, TextPart, ToolCall, ToolReturn
from nightshift.models.port import ModelRequest, RetryPolicy

QUICK = RetryPolicy(max_attempts=3, attempt_timeout_seconds=5, first_wait_seconds=0.01, max_wait_seconds=0.2)

MODEL_IDS = {"bedrock": "anthropic.scripted-v1:0"}
"""Provider to its test model, where the id has to have a form; elsewhere `scripted`."""

_SENT_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def parts(texts: Iterable[str]) -> tuple[ContentPart, ...]:
    """Return a text part for each."""
    return tuple(TextPart(text) for text in texts)


def system(*texts: str) -> MessageDraft:
    return MessageDraft(Role.SYSTEM, parts(texts))


def user(*texts: str, name: str | None = None) -> MessageDraft:
    return MessageDraft(Role.USER, parts(texts), name=name)


def assistant(*texts: str, calls: tuple[ToolCall, ...] = (), thoughts: tuple[ContentPart, ...] = ()) -> MessageDraft:
    return MessageDraft(Role.ASSISTANT, (*thoughts, *parts(texts)), tool_calls=calls)


def returns(*given: ToolReturn) -> MessageDraft:
    return MessageDraft(Role.TOOL, tool_returns=given)


def model_id(provider: str) -> str:
    return MODEL_IDS.get(provider, "scripted")


def request(*drafts: MessageDraft, provider: str = "openai", **fields: Any) -> ModelRequest:
    """Return a request of the provider's test model; a single "hello" when no messages are given."""
    messages = tuple(
        Message(id=f"message-{number}", sequence=number, created_at=_SENT_AT, draft=draft)
        for number, draft in enumerate(drafts or (user("hello"),), start=1)
    )
    defaults: dict[str, Any] = {"model": model_id(provider), "system": "", "timeout_seconds": 10}
    return ModelRequest(**{**defaults, "messages": messages, **fields})
