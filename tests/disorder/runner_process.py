"""A runner taken apart: what a slice does, one write at a time, so that anything may come between two of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from disorder.stored_state import StoredState
from nightshift.domain import ids
from nightshift.domain.conversation import Conversation, Lease
from nightshift.domain.message import MessageDraft, Role, TextPart, ToolCall
from nightshift.domain.run import MAX_STARTS_WITHOUT_PROGRESS, Run
from nightshift.domain.step import Step, StepStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.execution.checkpoint import Checkpoints
from nightshift.execution.meter import Meter
from nightshift.execution.run_state import Entry, RunEndedError, RunState
from nightshift.execution.shared_time import SharedTime
from support.clock import ManualClock
from support.lane import LEASE, MEMORY_MB, TENANT, Lane

SLEEP = timedelta(seconds=100)

WRITES_OF_RUN = frozenset({"start", "step", "call", "answer calls"})
"""Guarded by the token on the run alone, which the next runner raises by its own `start`."""


@dataclass(frozen=True, slots=True)
class SkewedClock:
    """Another machine's clock, which differs by some seconds."""

    of: ManualClock
    seconds_ahead: float = 0

    def now(self) -> datetime:
        return self.of.now() + timedelta(seconds=self.seconds_ahead)

    def monotonic_ns(self) -> int:
        return self.of.monotonic_ns()

    def sleep(self, seconds: float) -> None:
        self.of.sleep(seconds)


@dataclass(slots=True, eq=False)
class RunnerProcess:
    """A runner that has claimed a lane, and what it believes about it.

    Attributes:
        state: the run that it works on, None between two.
        is_started: whether its token is on that run.
        is_refused: whether its last write found that the run was ended by another hand.
        has_left: whether it gave the lane back; what is left of it is a late heartbeat.
    """

    lane: Lane
    clock: SkewedClock
    lease: Lease
    conversation: Conversation
    state: RunState | None = None
    is_started: bool = False
    is_refused: bool = False
    has_left: bool = False

    @classmethod
    def claim(cls, lane: Lane, clock: SkewedClock) -> "RunnerProcess | None":
        holder = ids.new_id("lease")
        found = lane.database.conversations.claim(TENANT, lane.agent.id, holder, clock.now(), LEASE)
        if found is None:
            return None
        return cls(lane, clock, Lease(TENANT, lane.agent.id, holder, found.fencing_token), found)

    def claim_again(self) -> bool:
        """Claim with the same holder, as the repetition of a claim whose answer was lost does."""
        found = self.lane.database.conversations.claim(
            TENANT, self.lane.agent.id, self.lease.holder, self.clock.now(), LEASE
        )
        return found is not None and found.fencing_token == self.lease.fencing_token

    def holds(self, stored: StoredState) -> bool:
        lane = stored.lanes[self.lane.agent.id]
        return (lane.get("lease_holder"), lane["fencing_token"]) == (self.lease.holder, self.lease.fencing_token)

    def may(self, write: str, stored: StoredState) -> bool:
        """Tell whether the write may succeed: the lane is this runner's, and the run is as it was read."""
        if self.state is None or write == "hand over":
            return self.holds(stored)
        run = stored.runs[self.state.run.id]
        is_as_read = _compared(run) == _compared(self.state.run) and run.fencing_token <= self.lease.fencing_token
        return is_as_read and (write in WRITES_OF_RUN or self.holds(stored))

    def renew(self) -> None:
        self.lane.database.conversations.renew(self.lease, self.clock.now(), LEASE)

    def next_write(self, wish: str) -> str:
        """Return what comes next: what has to, or `wish` where there is a choice."""
        if self.state is None:
            return "look" if self.conversation.waiting else "release"
        if self.is_refused:
            return "leave queue"
        if not self.is_started:
            return "start"
        if self.state.run.starts_without_progress > MAX_STARTS_WITHOUT_PROGRESS:
            return "give up"
        return "answer calls" if self.checkpoints.missing_returns(self.state) else wish

    def do(self, write: str) -> None:
        """Make one write.

        Raises:
            LeaseLostError: another runner has the lane.
        """
        writes: dict[str, Callable[[], None]] = {
            "look": self._look,
            "start": self._start,
            "step": lambda: self._step(calls=False),
            "call": lambda: self._step(calls=True),
            "answer calls": self._answer_calls,
            "finish": self._finish,
            "give up": self._give_up,
            "sleep": self._sleep,
            "hand over": self._hand_over,
            "release": self._release,
            "leave queue": self._leave_queue,
        }
        try:
            writes[write]()
        except RunEndedError as ended:
            assert self.state is not None
            self.state.run, self.is_refused = ended.run, True

    @property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.lane.database, self.clock)

    def _look(self) -> None:
        run = self.lane.database.runs.get(TENANT, self.conversation.waiting[0])
        assert run is not None
        request = self.lane.database.runs.get_request(run)
        self.state = RunState(self.lease, self.conversation, run, request, Meter(self.clock, MEMORY_MB, SharedTime()))
        self.is_started = self.is_refused = False

    def _start(self) -> None:
        self.checkpoints.start(self._at_work)
        self.is_started = True

    def _step(self, *, calls: bool) -> None:
        entry, step = self._say(calls=calls)
        changed = replace(self._at_work.run, step_count=step.number)
        self.checkpoints.record(self._at_work, changed, [entry], step)

    def _answer_calls(self) -> None:
        self.checkpoints.record(self._at_work, self._at_work.run, self.checkpoints.missing_returns(self._at_work))

    def _finish(self) -> None:
        entry, step = self._say(calls=False)
        changed = replace(self._at_work.run, step_count=step.number)
        self._go_on(self.checkpoints.finish(self._at_work, changed, StopReason.END_TURN, [entry], step))

    def _give_up(self) -> None:
        missing = self.checkpoints.missing_returns(self._at_work)
        self._go_on(self.checkpoints.finish(self._at_work, self._at_work.run, StopReason.ERROR, missing))

    def _leave_queue(self) -> None:
        self._go_on(self.checkpoints.leave_queue(self._at_work))

    def _sleep(self) -> None:
        slept = replace(self._at_work.run, wait_count=self._at_work.run.wait_count + 1)
        self.checkpoints.sleep(self._at_work, slept, self.clock.now() + SLEEP)
        self.has_left = True

    def _hand_over(self) -> None:
        self.lane.database.conversations.hand_over(self.lease, self.clock.now())
        self.has_left = True

    def _release(self) -> None:
        found = self.lane.database.conversations.release(self.lease)
        self.has_left = found is None
        self.conversation = found or self.conversation

    @property
    def _at_work(self) -> RunState:
        assert self.state is not None
        return self.state

    def _go_on(self, is_released: bool) -> None:
        self.has_left = is_released
        waiting, after = self.conversation.waiting[1:], self._at_work.next_sequence
        self.conversation = replace(self.conversation, waiting=waiting, next_sequence=after)
        self.state = None

    def _say(self, *, calls: bool) -> tuple[Entry, Step]:
        """Return what the model answers in the run's next step; no two steps of any run say the same."""
        run, number = self._at_work.run, self._at_work.run.step_count + 1
        step_id = ids.step_id(run.id, number)
        called = (ToolCall(f"call-of-{step_id}", "look", "{}"),) if calls else ()
        said = MessageDraft(Role.ASSISTANT, (TextPart(f"said in {step_id}"),), called)
        step = Step(
            step_id, run.id, run.agent_id, number, StepStatus.SUCCESS, self.clock.now(), "openai/scripted", None, 1_000
        )
        return Entry(said, step_id), step


def _compared(run: Run) -> tuple[object, ...]:
    """Return what a checkpoint compares with what it read."""
    return run.status, run.fencing_token, run.last_sequence, run.step_count, run.starts_without_progress
