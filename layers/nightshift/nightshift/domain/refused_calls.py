"""What is said for a client that cancels a run instead of answering it: denials, and an error for every call (§3.6)."""

from datetime import datetime

from nightshift.domain import ids
from nightshift.domain.approval import DENIAL_PREFIX, ApprovalDecision
from nightshift.domain.message import Message, MessageDraft, Role, ToolCall, ToolReturn

CANCELLED_REASON = "The user cancelled the request."


def refuse_calls(request: Message, now: datetime) -> tuple[Message, Message]:
    """Return the answer and the returns that follow a request for approval whose run is cancelled."""
    draft, at = request.draft, request.sequence
    gated = (call for call in draft.tool_calls if call.id in draft.gated_call_ids)
    decisions = tuple(ApprovalDecision(call.id, approve=False, reason=CANCELLED_REASON) for call in gated)
    returns = tuple(map(_error, draft.tool_calls))
    answer, returned = MessageDraft(Role.APPROVAL, approvals=decisions), MessageDraft(Role.TOOL, tool_returns=returns)
    return (
        Message(ids.message_id(at + 1), at + 1, now, answer, request.run_id),
        Message(ids.message_id(at + 2), at + 2, now, returned, request.run_id, request.step_id),
    )


def _error(call: ToolCall) -> ToolReturn:
    text = DENIAL_PREFIX + CANCELLED_REASON
    return ToolReturn(call.id, call.name, text, status="error", stderr=(text,))
