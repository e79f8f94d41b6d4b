"""Runs the tool calls of one model answer and gives every one of them a return, in their order (letta_api_spec §3.4).

Nothing is stored here but the mark that a call which must never be repeated was started. The returns, with what base
tools write, go into one transaction afterwards; what is done before a crash is done again unless it may not be:

    safe, keyed   executed again, with the same call id as its idempotency key
    never         marked as started on the run before it is executed; a mark without a return: the outcome is unknown
"""

from collections.abc import Callable, Iterable
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Any, Final

from nightshift.clock import Clock
from nightshift.domain.errors import TransientError
from nightshift.domain.message import Message, MessageDraft, Role, ToolCall, ToolReturn
from nightshift.domain.stop_reason import StopReason
from nightshift.domain.tool import RepeatPolicy, Tool, cut_return
from nightshift.domain.tool_arguments import ArgumentsError, PrefillError, fill_in, read_arguments
from nightshift.domain.tool_course import CONSTRAINT_PREFIX
from nightshift.execution.approvals import return_of
from nightshift.execution.base_tools import BaseToolCalls
from nightshift.execution.budget import SliceBudget
from nightshift.execution.cancelled_calls import answer_cancelled_call
from nightshift.execution.checkpoint import Checkpoints
from nightshift.execution.heartbeat import Heartbeat
from nightshift.execution.offer import offer_of, parameters_of
from nightshift.execution.run_state import RunState
from nightshift.execution.server_tools import ServerTools
from nightshift.storage.database import Database
from nightshift.storage.dynamo import Write

MAX_THREADS: Final = 8
"""Calls of one answer that run at the same time."""

LEAST_CALL_SECONDS: Final = 10.0
"""With less than this left, a call is not begun: it would be cut off with its work half done."""

NO_TIME_LEFT: Final = "Error: this call was not executed, since those before it took the time; call it again."

UNKNOWN_OUTCOME: Final = (
    "Error: this call was started and its outcome is unknown; it was not repeated, since the tool must not run twice."
    " Find out what it did before you call it again."
)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of one answer's calls.

    Attributes:
        returned: the one tool message that answers all of them.
        writes: what has to be stored in one transaction with it.
        stop_reason, error: why the run can't go on after it.
    """

    returned: MessageDraft
    writes: tuple[Write, ...] = ()
    stop_reason: StopReason | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Ready:
    """A call whose tool is to be executed now."""

    call: ToolCall
    tool: Tool
    arguments: dict[str, Any]

    @property
    def is_repeatable(self) -> bool:
        return self.tool.repeat_policy is not RepeatPolicy.NEVER


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """Executes tool calls; holds nothing of any run."""

    database: Database
    checkpoints: Checkpoints
    server_tools: ServerTools
    clock: Clock

    def answer(self, state: RunState, asked: Message, heartbeat: Heartbeat, budget: SliceBudget) -> Answered:
        """Give every call of the message a return.

        What was executed is kept in `state.returns` until it is stored, so that a repetition, because somebody changed
        a memory block meanwhile, executes nothing but the edits of memory.

        Raises:
            LeaseLostError: another runner executes the conversation.
            RunEndedError: the run was ended by another hand before a call that must not be repeated.
        """
        base = BaseToolCalls(self.database, state, self.clock)
        returns: dict[str, ToolReturn] = {}
        failed: PrefillError | None = None
        ready: list[_Ready] = []
        for call in asked.draft.tool_calls:
            try:
                found = self._prepare(state, asked, call)
            except PrefillError as error:
                found, failed = _error(call, str(error)), error
            if isinstance(found, _Ready):
                ready.append(found)
            else:
                returns[call.id] = found
        returns |= self._execute(state, ready, base, heartbeat, budget)
        draft = MessageDraft(Role.TOOL, tool_returns=tuple(returns[call.id] for call in asked.draft.tool_calls))
        if failed is not None:
            return Answered(draft, base.writes(), StopReason.INVALID_TOOL_CALL, str(failed))
        return Answered(draft, base.writes())

    def _prepare(self, state: RunState, asked: Message, call: ToolCall) -> ToolReturn | _Ready:
        """Return the call's return where nothing is to be executed, else what is.

        Raises:
            PrefillError: a rule gives arguments that the tool does not take.
        """
        is_gated = call.id in asked.draft.gated_call_ids
        if given := state.returns.get(call.id) or (_answered(state, call) if is_gated else None):
            return given
        # Whether a call is allowed was decided before the client was asked; an approved one stays so.
        names = tuple(state.toolset.server) if is_gated else offer_of(state.toolset, state.course).names
        tool = state.toolset.server.get(call.name)
        if call.name not in names or tool is None:
            return _refuse(call, names)
        return _error(call, UNKNOWN_OUTCOME) if call.id in state.run.started_call_ids else _read(state, call, tool)

    def _execute(
        self, state: RunState, ready: list[_Ready], base: BaseToolCalls, heartbeat: Heartbeat, budget: SliceBudget
    ) -> dict[str, ToolReturn]:
        """Execute those that may run at the same time, then the others one after another."""

        def run(one: _Ready) -> ToolReturn:
            return self._run_server_tool(state, one, budget)

        together = [one for one in ready if one.tool.enable_parallel_execution and not base.has(one.tool)]
        returns: dict[str, ToolReturn] = {}
        if len(together) > 1:
            self._begin(state, together, heartbeat)
            for one, given in zip(together, _run_together(run, together), strict=True):
                returns[one.call.id] = state.returns[one.call.id] = given
        for one in ready:
            if one.call.id in returns:
                continue
            if base.has(one.tool):
                returns[one.call.id] = _limited(base.run(one.call, one.tool, one.arguments), one.tool)
                continue
            if budget.call_seconds < LEAST_CALL_SECONDS:
                returns[one.call.id] = _error(one.call, NO_TIME_LEFT)
                continue
            self._begin(state, [one], heartbeat)
            returns[one.call.id] = state.returns[one.call.id] = run(one)
        return returns

    def _begin(self, state: RunState, calls: Iterable[_Ready], heartbeat: Heartbeat) -> None:
        """Note calls that must never be repeated on the run before they are executed: one write, if there are any.

        The lease is looked at last: a pause of this process may lie between any two lines.
        """
        if started := [one.call.id for one in calls if not one.is_repeatable]:
            self.checkpoints.mark_started(state, started)
        heartbeat.check()

    def _run_server_tool(self, state: RunState, one: _Ready, budget: SliceBudget) -> ToolReturn:
        attempts = 2 if one.is_repeatable else 1
        for attempt in range(1, attempts + 1):
            try:
                given = self.server_tools.run(state, one.tool, one.call, one.arguments, budget.call_seconds)
            except TransientError as error:
                if attempt < attempts:
                    continue
                unknown = f"Error executing function {one.call.name}: {error}" if one.is_repeatable else UNKNOWN_OUTCOME
                return _error(one.call, unknown)
            return _limited(given, one.tool)
        raise AssertionError("unreachable: every attempt returns or is followed by another")


def _answered(state: RunState, call: ToolCall) -> ToolReturn | None:
    """Return what the client's answer alone makes of a call, None where it was approved."""
    for answer in state.opening.answers:
        if answer.tool_call_id == call.id:
            return return_of(call, answer)
    return answer_cancelled_call(call)


def _read(state: RunState, call: ToolCall, tool: Tool) -> ToolReturn | _Ready:
    try:
        arguments = read_arguments(call.arguments)
    except ArgumentsError as error:
        return _error(call, f"Error executing function {call.name}: {error}")
    return _Ready(call, tool, fill_in(arguments, state.course.prefilled(call.name), parameters_of(tool)))


def _run_together(run: Callable[[_Ready], ToolReturn], calls: list[_Ready]) -> list[ToolReturn]:
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 -- only where several run at the same time

    with ThreadPoolExecutor(min(MAX_THREADS, len(calls))) as threads:
        # Each thread logs under the keys of its run.
        futures = [threads.submit(copy_context().run, run, one) for one in calls]
        return [future.result() for future in futures]


def _refuse(call: ToolCall, names: Iterable[str]) -> ToolReturn:
    valid = ", ".join(names) or "none"
    text = f"{CONSTRAINT_PREFIX} Cannot call {call.name}: it is not an available tool. Valid tools: {valid}."
    return _error(call, text)


def _error(call: ToolCall, text: str) -> ToolReturn:
    return ToolReturn(tool_call_id=call.id, name=call.name, text=text, status="error", stderr=(text,))


def _limited(given: ToolReturn, tool: Tool) -> ToolReturn:
    text = cut_return(given.text, tool.return_char_limit)
    return given if text is given.text else replace(given, text=text)
