"""How a run stands to what its conversation's client is asked for: it answers that, repeats an answer, or must wait.

Decided from the conversation as it was claimed, before the run writes anything, and in the same way by every runner
that begins it: the request is closed only when the run leaves the queue (letta_api_spec §3.6).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from nightshift.domain.approval import (
    DENIAL_PREFIX,
    NOTHING_PENDING,
    PENDING,
    Approval,
    ApprovalDecision,
    ApprovalRequest,
    ClientToolReturn,
)
from nightshift.domain.content import ImagePart, in_words
from nightshift.domain.conversation import Conversation
from nightshift.domain.message import Message, MessageDraft, ToolCall, ToolReturn
from nightshift.domain.run import Run
from nightshift.domain.run_request import RunRequest
from nightshift.domain.stop_reason import StopReason
from nightshift.domain.tool import cut_return

NO_REASON: Final = "none given"


@dataclass(frozen=True, slots=True)
class Opening:
    """How a run begins.

    Attributes:
        inputs: what it appends first.
        follow_ups: what it appends together with the returns of the calls that it answers.
        answers: the client's answers, empty for a run that brings none or only repeats them.
        refusal: why it fails before its first step.
        is_repetition: its answers were given before, and nothing else is to do.
    """

    inputs: tuple[MessageDraft, ...]
    follow_ups: tuple[MessageDraft, ...] = ()
    answers: tuple[Approval, ...] = ()
    refusal: str | None = None
    is_repetition: bool = False


def open_run(conversation: Conversation, request: RunRequest) -> Opening:
    """Tell how a run with this request begins in the conversation."""
    asked = conversation.pending_approval
    if not request.answers_approval:
        return Opening((), refusal=PENDING) if asked and request.inputs else Opening(request.inputs)
    first, follow_ups = request.inputs[0], request.inputs[1:]
    if asked is None:
        last = conversation.approval
        if last is None or not last.is_answered_by(first.approvals):
            return Opening((), refusal=NOTHING_PENDING)
        return Opening(follow_ups, is_repetition=not follow_ups)
    if not asked.is_answered_by(first.approvals):
        return Opening((), refusal=asked.explain_mismatch(first.approvals))
    return Opening((first,), follow_ups, answers=_named(asked, first.approvals))


def approval_after(
    conversation: Conversation, request: RunRequest, ended: Run, messages: Sequence[Message]
) -> ApprovalRequest | None:
    """Return what the client is asked for once this run has left the queue, None where that stays as it is."""
    if ended.stop_reason is StopReason.REQUIRES_APPROVAL and messages:
        asking = messages[-1]
        return ApprovalRequest(asking.id, ended.id, tuple(sorted(asking.draft.gated_call_ids)))
    asked = conversation.pending_approval
    if asked and request.answers_approval and ended.first_sequence is not None:
        return replace(asked, is_open=False)
    return None


def return_of(call: ToolCall, answer: Approval) -> ToolReturn | None:
    """Return what a call came to by its client's answer alone; None for one that was approved and is to be executed."""
    match answer:
        case ApprovalDecision(approve=True):
            return None
        case ApprovalDecision(reason=reason):
            text = DENIAL_PREFIX + (reason or NO_REASON)
            return ToolReturn(call.id, call.name, text, status="error", stderr=(text,))
        case ClientToolReturn():
            return _client_return(call, answer)


def _client_return(call: ToolCall, answer: ClientToolReturn) -> ToolReturn:
    text = "\n".join(in_words(part) for part in answer.content)
    return ToolReturn(
        tool_call_id=call.id,
        name=call.name,
        text=cut_return(text),
        status=answer.status,
        stdout=answer.stdout or (),
        stderr=answer.stderr or (),
        images=tuple(part for part in answer.content if isinstance(part, ImagePart)),
    )


def _named(asked: ApprovalRequest, answers: tuple[Approval, ...]) -> tuple[Approval, ...]:
    """Return the answers by call, also one in the deprecated form, which names the message that asked."""
    match answers:
        case (ApprovalDecision(names_request=True) as decision,):
            return (replace(decision, tool_call_id=asked.tool_call_ids[0], names_request=False),)
        case _:
            return answers
