"""What the rules make of a model's answer: which calls count, whether the run pauses, ends or goes on (§3.3)."""

from collections.abc import Iterable
from dataclasses import replace

from nightshift.domain.message import MessageDraft, Role, TextPart, ToolCall
from nightshift.domain.step import StepStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.execution.offer import Offer, gated_calls
from nightshift.execution.run_state import RunState
from nightshift.execution.step import StepResult


def judge(state: RunState, offer: Offer, result: StepResult) -> StepResult:
    """Return the result with the calls that count, and with why the run ends here, if it does."""
    answer = result.answer
    if answer is None or result.step.status is not StepStatus.SUCCESS:
        return result
    if answer.tool_calls:
        return _with_calls(state, offer, result, answer)
    if result.stop_reason is not StopReason.END_TURN:
        return result
    if offer.demands_call:
        error = f"the tool rules demand a call of {' or '.join(offer.names)}, and the model called none"
        return _ended(result, StopReason.NO_TOOL_CALL, error)
    if state.course.still_required(state.toolset.names) and not is_last_step(state, result.step.number):
        return replace(result, step=replace(result.step, stop_reason=None), stop_reason=None)
    return result


def notice_of(required: Iterable[str]) -> MessageDraft:
    """Return the message, hidden from clients, that tells the model which tools it still has to call."""
    names = ", ".join(required)
    text = f"[This is an automated notice.] Before this turn may end, these tools have to be called: {names}."
    return MessageDraft(Role.USER, (TextPart(text),), is_hidden=True)


def is_last_step(state: RunState, step_count: int) -> bool:
    """Tell whether no step may follow; answering a request for approval counts as one."""
    return step_count + bool(state.opening.answers) >= state.run.max_steps


def _with_calls(state: RunState, offer: Offer, result: StepResult, answer: MessageDraft) -> StepResult:
    calls = _counting(state, answer.tool_calls)
    gated = gated_calls(calls, state.toolset, state.course, offer)
    judged = replace(result, answer=replace(answer, tool_calls=calls, gated_call_ids=gated))
    return _ended(judged, StopReason.REQUIRES_APPROVAL) if gated else judged


def _counting(state: RunState, calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    """Return the calls that are kept: the first alone, unless the agent takes several and no rule needs an order."""
    if not (state.require_agent().parallel_tool_calls and state.course.permits_parallel_calls):
        calls = calls[:1]
    # A return is told from another by its call's id, which some servers use twice in one answer.
    ids = [call.id for call in calls]
    return tuple(
        replace(call, id=f"{call.id}-{place}") if call.id in ids[:place] else call for place, call in enumerate(calls)
    )


def _ended(result: StepResult, reason: StopReason, error: str | None = None) -> StepResult:
    return replace(result, step=replace(result.step, stop_reason=reason, error=error), stop_reason=reason, error=error)
