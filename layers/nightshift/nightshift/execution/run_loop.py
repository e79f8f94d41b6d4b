"""The agent loop of one run: model call, tool calls, again, until something ends it or the slice is used up.

Each turn of the loop is a step. Its first checkpoint, with the model's answer, is written before a tool runs and the
second one after it (promise 6), so that whoever goes on, here or in another slice, finds where to.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from nightshift.clock import Clock
from nightshift.domain.agent import Agent
from nightshift.domain.message import ToolSchema
from nightshift.domain.run import MAX_STARTS_WITHOUT_PROGRESS, MAX_WAITS, Run
from nightshift.domain.stop_reason import StopReason
from nightshift.execution.budget import SliceBudget
from nightshift.execution.checkpoint import Checkpoints
from nightshift.execution.context_window import room_for_messages, take_newest
from nightshift.execution.heartbeat import Heartbeat
from nightshift.execution.model_source import ModelSource
from nightshift.execution.refusals import refusal_of
from nightshift.execution.run_state import Entry, RunEndedError, RunState
from nightshift.execution.step import StepResult, call_model
from nightshift.execution.tool_calls import run_tool_calls
from nightshift.storage.database import Database
from nightshift.telemetry import logger

LONGEST_WAIT = timedelta(days=1)
"""A provider that asks for more than this has no answer for a run; it fails."""

POISON = f"the run ended its runner {MAX_STARTS_WITHOUT_PROGRESS} times without progress; it is not tried again"

OFFERED_TOOLS: tuple[ToolSchema, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is terminal and off the queue.

    Attributes:
        next_sequence: place in the log of the conversation's next message.
        is_released: whether the conversation was given back in the same write.
    """

    next_sequence: int
    is_released: bool = False


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
            return Ended(state.next_sequence, is_released)

    def _execute(
        self, state: RunState, checkpoints: Checkpoints, heartbeat: Heartbeat, budget: SliceBudget
    ) -> Ended | Paused:
        checkpoints.start(state)
        logger.info("run started", fencing_token=state.lease.fencing_token, step_count=state.run.step_count)
        if state.run.starts_without_progress > MAX_STARTS_WITHOUT_PROGRESS:
            return self._finish(state, checkpoints, replace(state.run, error=POISON), StopReason.ERROR)
        checkpoints.append_remaining_inputs(state)
        if not self._load(state):
            return self._finish(state, checkpoints, state.run, StopReason.CANCELLED)
        if refusal := refusal_of(state.request):
            return self._finish(state, checkpoints, replace(state.run, error=refusal), StopReason.ERROR)
        return self._loop(state, checkpoints, heartbeat, budget)

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
        newest_first = self.database.messages.read(
            run.tenant,
            run.conversation_id,
            first=state.conversation.history_starts_at,
            last=state.next_sequence - 1,
            newest_first=True,
        )
        room = room_for_messages(state.agent.context_window_tokens, state.system)
        state.context = list(take_newest(newest_first, room))
        return True

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
                outcome = self._answer_calls(state, checkpoints)
            elif budget.is_used_up and state.run.step_count > steps_at_start:
                outcome = Paused()
            else:
                outcome = self._take_step(state, checkpoints, heartbeat, budget)
            if outcome is not None:
                return outcome

    def _take_step(
        self, state: RunState, checkpoints: Checkpoints, heartbeat: Heartbeat, budget: SliceBudget
    ) -> Ended | Paused | None:
        result = call_model(state, self.models, OFFERED_TOOLS, self.clock, budget.call_seconds)
        heartbeat.check()
        if wait := self._wait_asked_for(state, result):
            until = self.clock.now() + wait
            checkpoints.sleep(state, replace(state.run, wait_count=state.run.wait_count + 1), until)
            return Paused(until)
        changed = self._count(state.run, result)
        entries = [Entry(result.answer, result.step.id)] if result.answer else []
        _log_step(result)
        if result.stop_reason is None:
            checkpoints.record(state, changed, entries, result.step)
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
            run,
            step_count=result.step.number,
            usage=run.usage + result.step.usage,
            ttft_ns=first_answer_ns,
            error=result.error,
        )

    def _answer_calls(self, state: RunState, checkpoints: Checkpoints) -> Ended | None:
        step_id = state.context[-1].step_id
        state.returned = run_tool_calls(state.unanswered_calls, OFFERED_TOOLS)
        entries = [Entry(state.returned, step_id)]
        if state.run.step_count >= state.run.max_steps:
            return self._finish(state, checkpoints, state.run, StopReason.MAX_STEPS, entries)
        checkpoints.record(state, state.run, entries)
        state.returned = None
        return None

    def _finish(
        self,
        state: RunState,
        checkpoints: Checkpoints,
        changed: Run,
        stop_reason: StopReason,
        entries: list[Entry] | None = None,
        result: StepResult | None = None,
    ) -> Ended:
        step = result.step if result else None
        is_released = checkpoints.finish(state, changed, stop_reason, entries or [], step)
        run = state.run
        logger.info(
            "run finished",
            status=run.status.value,
            stop_reason=stop_reason.value,
            step_count=run.step_count,
            total_tokens=run.usage.total_tokens,
            duration_ns=run.total_duration_ns,
        )
        return Ended(state.next_sequence, is_released)


def _log_step(result: StepResult) -> None:
    step = result.step
    logger.info(
        "step finished",
        step_id=step.id,
        status=step.status.value,
        model=step.model_handle,
        model_ms=step.model_ns // 1_000_000,
        total_tokens=step.usage.total_tokens,
        error_type=step.error_type,
        reason=step.error,
    )
