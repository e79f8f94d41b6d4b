"""Returns for calls whose run ended before it answered them: a history holds no call without one (promise 7)."""

from collections.abc import Iterable, Mapping

from nightshift.domain.message import MessageDraft, Role, ToolCall, ToolReturn


def answer_cancelled_calls(calls: Iterable[ToolCall], done: Mapping[str, ToolReturn]) -> MessageDraft:
    """Return the tool message for these calls; what is known of them is kept."""
    returns = tuple(done.get(call.id) or answer_cancelled_call(call) for call in calls)
    return MessageDraft(role=Role.TOOL, tool_returns=returns)


def answer_cancelled_call(call: ToolCall) -> ToolReturn:
    """Return the return of a call that nobody answers any more."""
    text = "The run was cancelled before this call's return was stored; it may or may not have run."
    return ToolReturn(call.id, call.name, text, status="error", stderr=(text,))
