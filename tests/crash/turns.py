"""Scenarios of turns, long runs and compactions."""

from collections.abc import Iterator
from itertools import cycle
from typing import Final

from crash.meddlers import cancel_all, delete_agent
from crash.scenario import Scenario
from nightshift.domain.stop_reason import StopReason
from support.compactions import FULL, is_asked_for_summary, summaries_in
from support.receiver import answer
from support.scripted_model.answers import Answer, Call, ErrorReply, Reply
from support.scripted_model.rules import Rule, answer_after_tool_calls, echo_history
from support.scripted_model.seen import SeenRequest

_SHOWN = {"include_compaction_messages": True}
_MAY_BE_CANCELLED = frozenset({StopReason.CANCELLED, StopReason.END_TURN})


def _full(seen: SeenRequest) -> Reply:
    """Call a tool, answer once a summary stands for it, and fill the context window with either."""
    if is_asked_for_summary(seen):
        return Reply("a summary")
    return Reply("Done.", tokens=FULL) if summaries_in(seen) else Reply(tool_calls=(Call("ping"),), tokens=FULL)


def _too_long(seen: SeenRequest) -> Answer:
    """Refuse any context that no summary stands in for."""
    if is_asked_for_summary(seen):
        return Reply("a summary")
    return Reply("Done.") if summaries_in(seen) else ErrorReply(400, code="context_length_exceeded")


def _failing(_seen: SeenRequest) -> ErrorReply:
    return ErrorReply(400, "refused")


def _busy_every_other_time() -> Rule:
    answers: Iterator[Answer] = cycle([ErrorReply(429, headers={"Retry-After": "400"}), Reply("Done.")])
    return lambda _seen: next(answers)


def _brief(seen: SeenRequest) -> Reply:
    return Reply("a summary" if is_asked_for_summary(seen) else "Well.")


TURNS: Final = {
    "plain turn": Scenario(model=echo_history, log_length=2),
    "callback": Scenario(model=echo_history, has_callbacks=True, log_length=2),
    "callback that is refused once": Scenario(
        model=echo_history, has_callbacks=True, receiver=(answer(503), answer(200)), log_length=2
    ),
    "two queued runs": Scenario(model=echo_history, has_callbacks=True, requests=({}, {}), log_length=4),
    "doorbell that never arrives": Scenario(model=echo_history, loses_doorbells=True, log_length=2),
    "large input": Scenario(model=echo_history, requests=({"text": "x" * 100_000},), log_length=2),
    "provider fails": Scenario(
        model=_failing, has_callbacks=True, log_length=1, stop_reasons=frozenset({StopReason.LLM_API_ERROR})
    ),
    "provider asks for time": Scenario(model=_busy_every_other_time(), log_length=2),
    "long run": Scenario(model=answer_after_tool_calls(2), has_callbacks=True, slice_seconds=0, log_length=6),
    "long run in fresh executions": Scenario(
        model=answer_after_tool_calls(3), slice_seconds=0, slices_per_execution=2, log_length=8
    ),
    "compacted after steps": Scenario(model=_full, has_callbacks=True, requests=(_SHOWN,), log_length=8),
    "compacted in a long run": Scenario(model=_full, slice_seconds=0, log_length=6),
    "compacted because it is too long": Scenario(model=_too_long, requests=({}, {}), log_length=5),
    "compacted on request": Scenario(
        model=_brief,
        is_compacted=True,
        log_length=3,
        stop_reasons=frozenset({StopReason.END_TURN, StopReason.ERROR}),  # alone, it finds nothing to compact
    ),
    "cancelled in the queue": Scenario(
        model=echo_history,
        has_callbacks=True,
        requests=({}, {}),
        meddling=cancel_all,
        meddles_before_slice=0,
        stop_reasons=_MAY_BE_CANCELLED,
    ),
    "cancelled between slices": Scenario(
        model=answer_after_tool_calls(2),
        has_callbacks=True,
        requests=({}, {}),
        slice_seconds=0,
        meddling=cancel_all,
        meddles_before_slice=1,
        stop_reasons=_MAY_BE_CANCELLED,
    ),
    "agent deleted between slices": Scenario(
        model=answer_after_tool_calls(2),
        has_callbacks=True,
        requests=({}, {}),
        slice_seconds=0,
        meddling=delete_agent,
        meddles_before_slice=1,
        stop_reasons=_MAY_BE_CANCELLED,
    ),
}
