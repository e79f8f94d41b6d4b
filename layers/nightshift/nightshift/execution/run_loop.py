"""The agent loop of one run: model call, tool calls, again, until something ends it or the slice is used up.

Each turn of the loop is a step. Its first checkpoint, with the model's answer, is written before a tool runs and the
second one after it (promise 6), so that whoever goes on, here or in another slice, finds where to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.agent import Agent
from nightshift.domain.approval import ApprovalRequest
from nightshift.domain.conversation import ContextStart
from nightshift.domain.errors import PayloadMissingError, RunFailedError, TransientError
from nightshift.domain.message import Role
from nightshift.domain.run import MAX_STARTS_WITHOUT_PROGRESS, MAX_WAITS, Run, RunKind
from nightshift.domain.stop_reason import StopReason
from nightshift.domain.tool_course import executed_in
from nightshift.execution.budget import SliceBudget
from nightshift.execution.checkpoint import MAX_MESSAGES_PER_TRANSACTION, ChangedMeanwhileError, Checkpoints
from nightshift.execution.context_reader import read_context
from nightshift.execution.context_window import keep_newest, room_for_messages
from nightshift.execution.heartbeat import Heartbeat
from nightshift.execution.model_source import ModelSource
from nightshift.execution.offer import load_toolset, offer_of
from nightshift.execution.refusals import refusal_of
from nightshift.execution.run_log import log_finished, log_returns, log_started, log_step
from nightshift.execution.run_state import Entry, RunEndedError, RunState
from nightshift.execution.skills import show_skills
from nightshift.execution.step import StepResult, call_model
from nightshift.execution.turn import course_of, read_turn
from nightshift.execution.verdict import is_last_step, judge, notice_of
from nightshift.storage.database import Database
from nightshift.storage.dynamo import Write
from nightshift.telemetry import add_log_keys, logger

if TYPE_CHECKING:
    from nightshift.execution.compaction import Compactor
    from nightshift.execution.tool_calls import Answered, ToolCalls
    from nightshift.tools.sandbox import Sandbox

LONGEST_WAIT = timedelta(days=1)
"""A provider that asks for more than this has no answer for a run; it fails."""

POISON = f"the run ended its runner {MAX_STARTS_WITHOUT_PROGRESS} times without progress; it is not tried again"

REQUEST_MISSING = (
    f"what the run was asked is not in the payload bucket or may not be read; tried {MAX_STARTS_WITHOUT_PROGRESS} times"
)

MAX_TOOL_ATTEMPTS = 20
"""Times that calls are answered anew because others changed what they write; each time at least one writer is done."""

MAX_FOLLOW_UPS = MAX_MESSAGES_PER_TRANSACTION - 2
"""Messages that are appended in one transaction with the returns they follow and a notice."""

TIME_FOR_TOOLS_SECONDS = 125
"""With less than this left to the function, tools are called by the next slice, unless this one asked for them."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is terminal and off the queue.

    Attributes:
        next_sequence: place in the log of the conversation's next message.
        is_released: whether the conversation was given back in the same write.
        context: where the conversation's context starts now.
        approval: what its client is asked for now.
    """

    next_sequence: int
    is_released: bool = False
    context: ContextStart | None = None
    approval: ApprovalRequest | None = None


@dataclass(frozen=True, slots=True)
class Paused:
    """The run goes on in another slice; with `until` the conversation was given back and sleeps until then."""

    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunLoop:
    """Executes runs; holds nothing of any of them."""

    database: Database
    models: ModelSource
    clock: Clock
    sandbox: "Sandbox | None" = None
    allow_private_mcp_servers: bool = False

    def execute(self, state: RunState, heartbeat: Heartbeat, budget: SliceBudget) -> Ended | Paused:
        """Work on the run until it ends or must pause.

        Raises:
            LeaseLostError: another runner executes the conversation; this one writes nothing more.
            TransientError: a service failed; the run stands at its last checkpoint.
        """
        checkpoints = Checkpoints(self.database, self.clock)
        try:
            return self._execute(state, checkpoints, heartbeat, budget)
        except RunEndedError as ended:
            logger.info("run was ended by another hand", status=ended.run.status.value)
            state.run = ended.run
            is_released = checkpoints.leave_queue(state)
            return _ended(state, is_released)

    def _execute(
        self, state: RunState, checkpoints: Checkpoints, heartbeat: Heartbeat, budget: SliceBudget
    ) -> Ended | Paused:
        is_first_start = state.run.started_at is None
        checkpoints.start(state)
        log_started(state.run, is_first_start=is_first_start)
        if state.run.starts_without_progress > MAX_STARTS_WITHOUT_PROGRESS:
            missing = checkpoints.missing_returns(state)
            error = REQUEST_MISSING if isinstance(state.unreadable, PayloadMissingError) else POISON
            return self._finish(state, checkpoints, replace(state.run, error=error), StopReason.ERROR, missing)
        if state.unreadable:
            raise state.unreadable
        if state.opening.refusal or state.opening.is_repetition:
            reason = StopReason.ERROR if state.opening.refusal else StopReason.END_TURN
            return self._finish(state, checkpoints, replace(state.run, error=state.opening.refusal), reason)
        checkpoints.append_remaining_inputs(state)
        if not self._load(state):
            return self._finish(state, checkpoints, state.run, StopReason.CANCELLED)
        if refusal := refusal_of(state.request):
            return self._finish(state, checkpoints, replace(state.run, error=refusal), StopReason.ERROR)
        if state.run.kind is RunKind.COMPACTION:
            run, reason, result = self._compactor(checkpoints).on_request(state, budget.call_seconds)
            return self._finish(state, checkpoints, run, reason, result=result)
        return self._loop(state, checkpoints, heartbeat, budget)

    def _compactor(self, checkpoints: Checkpoints) -> "Compactor":
        from nightshift.execution.compaction import Compactor  # noqa: PLC0415 -- few runs need it

        return Compactor(checkpoints, self.models, self.clock)

    def _load(self, state: RunState) -> bool:
        """Read agent, system prompt and context window; False when the agent is gone."""
        run = state.run
        state.agent = self._find_agent(run)
        if state.agent is None:
            return False
        if state.request.override_system is not None:
            state.system = state.request.override_system
        elif system := self.database.messages.system_message(run.tenant, run.conversation_id):
            state.system = system.draft.text
        room = room_for_messages(state.agent.context_window_tokens, state.system)
        state.context = read_context(self.database, state.conversation, state.next_sequence - 1, room)
        if state.agent.message_buffer_autoclear and not state.is_compacted:
            state.context = list(keep_newest(read_turn(self.database, state), room))
        state.toolset = load_toolset(self.database, state.agent, state.request.client_tools)
        state.course = course_of(self.database, state)
        show_skills(self.database, state)
        self._recall_newest_step(state)
        return True

    def _recall_newest_step(self, state: RunState) -> None:
        """Find out what another slice left to do about the context: its newest step may have filled it."""
        run, start = state.run, state.conversation.context
        step = self.database.steps.get(run.tenant, run.id, run.step_count) if run.step_count else None
        if step is None:
            return
        is_compacted = start is not None and start.summary_sequence == run.last_sequence
        state.step_tokens = 0 if is_compacted else step.usage.total_tokens
        is_last_word = is_compacted or (bool(state.context) and state.context[-1].role is Role.ASSISTANT)
        state.ending = step.stop_reason if is_last_word else None

    def _find_agent(self, run: Run) -> Agent | None:
        """Return the agent as it works in the run's conversation; None when either is gone."""
        agent = self.database.agents.get(run.tenant, run.agent_id)
        if agent is None or run.public_conversation_id is None:
            return agent
        description = self.database.descriptions.get(run.tenant, run.conversation_id)
        return description.adapt(agent) if description else None

    def _loop(
        self, state: RunState, checkpoints: Checkpoints, heartbeat: Heartbeat, budget: SliceBudget
    ) -> Ended | Paused:
        steps_at_start = state.run.step_count
        while True:
            heartbeat.check()
            if heartbeat.saw_deletion:
                return self._finish(state, checkpoints, state.run, StopReason.CANCELLED)
            outcome: Ended | Paused | None
            if state.unanswered_calls:
                has_time = budget.call_seconds > TIME_FOR_TOOLS_SECONDS or state.run.step_count == steps_at_start
                outcome = self._answer_calls(state, checkpoints, heartbeat, budget) if has_time else Paused()
            elif state.is_context_full:
                outcome = self._make_room(state, checkpoints, budget)
            elif state.ending is not None:
                outcome = self._finish(state, checkpoints, state.run, state.ending)
            elif budget.is_used_up and state.run.step_count > steps_at_start:
                outcome = Paused()
            else:
                outcome = self._take_step(state, checkpoints, heartbeat, budget)
            if outcome is not None:
                return outcome

    def _make_room(self, state: RunState, checkpoints: Checkpoints, budget: SliceBudget) -> Ended | None:
        error = self._compactor(checkpoints).after_step(state, budget.call_seconds)
        if error is None:
            return None
        reason = StopReason.CONTEXT_WINDOW_OVERFLOW_IN_SYSTEM_PROMPT
        return self._finish(state, checkpoints, replace(state.run, error=error), reason)

    def _take_step(
        self, state: RunState, checkpoints: Checkpoints, heartbeat: Heartbeat, budget: SliceBudget
    ) -> Ended | Paused | None:
        add_log_keys(step_id=ids.step_id(state.run.id, state.run.step_count + 1))
        try:
            offer = offer_of(state.toolset, state.course)
        except RunFailedError as failed:
            return self._finish(state, checkpoints, replace(state.run, error=str(failed)), failed.stop_reason)

        def ask() -> StepResult:
            return call_model(state, self.models, offer.schemas, self.clock, budget.call_seconds, offer.choice)

        result = ask()
        if result.is_refused_as_too_long:
            result = self._compactor(checkpoints).retried(state, result, ask, budget.call_seconds)
        heartbeat.check()
        if wait := self._wait_asked_for(state, result):
            until = self.clock.now() + wait
            checkpoints.sleep(state, replace(state.run, wait_count=state.run.wait_count + 1), until)
            return Paused(until)
        result = judge(state, offer, result)
        if result.outputs is not None:
            state.outputs = {result.step.id: result.outputs}
        changed = self._count(state.run, result)
        entries = [Entry(result.answer, result.step.id)] if result.answer else []
        if result.is_last_word and result.stop_reason is None:
            entries.append(Entry(notice_of(state.course.still_required(state.toolset.names)), result.step.id))
        log_step(result.step)
        state.step_tokens = result.step.usage.total_tokens
        if result.stop_reason is None or (result.is_last_word and state.is_context_full):
            checkpoints.record(state, changed, entries, result.step)
            state.ending = result.stop_reason
            return None
        return self._finish(state, checkpoints, changed, result.stop_reason, entries, result)

    def _wait_asked_for(self, state: RunState, result: StepResult) -> timedelta | None:
        if result.retry_after_seconds is None or state.run.wait_count >= MAX_WAITS:
            return None
        wait = timedelta(seconds=result.retry_after_seconds)
        return wait if wait <= LONGEST_WAIT else None

    def _count(self, run: Run, result: StepResult) -> Run:
        first_answer_ns = run.ttft_ns
        if first_answer_ns is None and result.answer is not None and run.started_at is not None:
            first_answer_ns = (self.clock.now() - run.started_at) // timedelta(microseconds=1) * 1_000
        return replace(
            run.with_call(result.step.usage, result.step.nano_dollars),
            step_count=result.step.number,
            ttft_ns=first_answer_ns,
            error=result.error,
            wait_count=0 if result.answer else run.wait_count,
            has_outputs=run.has_outputs or result.outputs is not None,
        )

    def _answer_calls(
        self, state: RunState, checkpoints: Checkpoints, heartbeat: Heartbeat, budget: SliceBudget
    ) -> Ended | None:
        tools = self._tool_calls(checkpoints)
        if (asked := state.asking) is None:
            raise ValueError(f"run {state.run.id} has no calls to answer")
        add_log_keys(step_id=asked.step_id)
        for _ in range(MAX_TOOL_ATTEMPTS):
            answered = tools.answer(state, asked, heartbeat, budget)
            try:
                return self._record_returns(state, checkpoints, asked.step_id, answered)
            except ChangedMeanwhileError:
                logger.info("tool calls are answered anew", reason="others changed what they write")
        raise TransientError(f"what tools of run {state.run.id} write was changed {MAX_TOOL_ATTEMPTS} times in a row")

    def _tool_calls(self, checkpoints: Checkpoints) -> "ToolCalls":
        from nightshift.execution.server_tools import ServerTools  # noqa: PLC0415 -- many runs call no tool
        from nightshift.execution.tool_calls import ToolCalls  # noqa: PLC0415 -- as above

        server_tools = ServerTools(self.database, self.sandbox, self.allow_private_mcp_servers)
        return ToolCalls(self.database, checkpoints, server_tools, self.clock)

    def _record_returns(
        self, state: RunState, checkpoints: Checkpoints, step_id: str | None, answered: "Answered"
    ) -> Ended | None:
        """Write what the calls returned, and end the run where a rule or the number of steps says so (§3.3)."""
        log_returns(answered.returned.tool_returns)
        entries = [Entry(answered.returned, step_id), *self._follow_ups(state)]
        course = state.course.after(answered.returned)
        is_over = any(course.is_terminal(called.name) for called in executed_in(answered.returned))
        required = course.still_required(state.toolset.names)
        changed, beside = replace(state.run, error=answered.error), answered.writes
        reason = answered.stop_reason
        if reason is None and is_last_step(state, state.run.step_count):
            reason = StopReason.MAX_STEPS
        if reason is None and is_over and not required:
            reason = StopReason.TOOL_RULE
        if reason is not None:
            return self._finish(state, checkpoints, changed, reason, entries, beside=beside)
        if is_over:
            entries.append(Entry(notice_of(required), step_id))
        checkpoints.record(state, changed, entries, beside=beside)
        state.course, state.returns = course, {}
        checkpoints.append_remaining_inputs(state)
        return None

    def _follow_ups(self, state: RunState) -> list[Entry]:
        """Return the messages that came with a client's answer, as many as one transaction takes beside the returns."""
        is_first = state.run.step_count == 0 and bool(state.opening.answers)
        step_id = ids.step_id(state.run.id, 1)
        return [Entry(draft, step_id) for draft in state.opening.follow_ups[:MAX_FOLLOW_UPS]] if is_first else []

    def _finish(
        self,
        state: RunState,
        checkpoints: Checkpoints,
        changed: Run,
        stop_reason: StopReason,
        entries: list[Entry] | None = None,
        result: StepResult | None = None,
        beside: Sequence[Write] = (),
    ) -> Ended:
        step = result.step if result else None
        is_released = checkpoints.finish(state, changed, stop_reason, entries or [], step, beside)
        log_finished(state.run, stop_reason, is_poison=state.run.starts_without_progress > MAX_STARTS_WITHOUT_PROGRESS)
        return _ended(state, is_released)


def _ended(state: RunState, is_released: bool) -> Ended:
    conversation = state.conversation
    return Ended(state.next_sequence, is_released, conversation.context, conversation.approval)
