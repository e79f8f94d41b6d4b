"""Two lanes, any number of runners, and every write of them in any order.

Accepts, cancellations, claims, heartbeats, checkpoints, releases and sweeps are the product's own, on the tables of the
template; what is chosen at random is who does which of them when. Runners die by never waking up again, pause by waking
up late, and their clocks differ by seconds. After each write everything that is stored is checked.
"""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from disorder.promises import Promises
from disorder.runner_process import RunnerProcess, SkewedClock
from disorder.stored_state import StoredState, empty_tables
from nightshift.clock import to_epoch_ms
from nightshift.domain.errors import LeaseLostError
from nightshift.domain.run import Run
from nightshift.intake.cancel import Cancellation
from nightshift.storage.dynamo import Item
from support.aws_tables import Stack
from support.clock import ManualClock
from support.lane import TENANT, Lane
from support.scripted_model.server import ScriptedModel

LANES = 2
WISHES = st.lists(st.sampled_from(("step", "call", "finish", "finish", "sleep", "hand over")), min_size=2, max_size=8)
SECONDS = (1, 20, 61, 200)
SKEWS = st.sampled_from((-5, 0, 5))
PICKS = st.integers(0, 7)
LANE_PICKS = st.sampled_from((0, 0, 0, 1))
SETTLING_SWEEPS = 40
MAX_RUNS = 6


class LaneMachine(RuleBasedStateMachine):
    """One story; `stack` and `provider` are shared by all of them."""

    stack: Stack
    provider: ScriptedModel

    def __init__(self) -> None:
        super().__init__()
        empty_tables()
        self.stack.calls.clear()
        self.clock = ManualClock()
        self.lanes = [Lane(self.stack, self.provider, self.clock) for _ in range(LANES)]
        self.promises = Promises({lane.agent.id: [] for lane in self.lanes})
        self.runs: list[tuple[Lane, Run]] = []
        self.runners: list[RunnerProcess] = []

    @initialize()
    def accept_two(self) -> None:
        self.accept(0, True)
        self.accept(0, False)

    @precondition(lambda self: len(self.runs) < MAX_RUNS)
    @rule(of=LANE_PICKS, has_callback=st.booleans())
    def accept(self, of: int, has_callback: bool) -> None:
        lane = self.lanes[of]
        url = {"callback_url": "https://hooks.example/x"} if has_callback else {}
        run = lane.accept(f"asked as number {len(self.runs)}", **url)
        self.runs.append((lane, run))
        self.promises.accepted[lane.agent.id].append(run.id)

    @rule(of=LANE_PICKS, seconds_ahead=SKEWS, is_answer_lost=st.booleans(), wishes=WISHES)
    def answer_doorbell(self, of: int, seconds_ahead: int, is_answer_lost: bool, wishes: list[str]) -> None:
        """The first doorbell, a second one or a late one; the runner gets as far as it wishes, then dies or pauses."""
        runner = self._claim(self.lanes[of], SkewedClock(self.clock, seconds_ahead))
        if runner is None:
            return
        if is_answer_lost:
            assert runner.claim_again(), "a claim whose answer was lost is not known again"
        self._work(runner, wishes)

    @rule(seconds_ahead=SKEWS, wishes=WISHES)
    def sweep(self, seconds_ahead: int, wishes: list[str]) -> None:
        clock = SkewedClock(self.clock, seconds_ahead)
        due = {found[1] for found in self.lanes[0].database.conversations.due(clock.now(), 100)}
        for lane in self.lanes:
            if lane.agent.id in due and (runner := self._claim(lane, clock)):
                self._work(runner, wishes)

    def _claim(self, lane: Lane, clock: SkewedClock) -> RunnerProcess | None:
        before = StoredState.read().lanes[lane.agent.id]
        runner = RunnerProcess.claim(lane, clock)
        assert (runner is not None) == is_claimable(before, to_epoch_ms(clock.now())), "claimed against the rules"
        if runner is not None:
            assert runner.lease.fencing_token > before["fencing_token"]
            self.runners.append(runner)
            self.promises_hold()
        return runner

    @precondition(lambda self: self.runners)
    @rule(of=PICKS, wishes=WISHES)
    def wake_up(self, of: int, wishes: list[str]) -> None:
        """A runner goes on where it stopped, whatever happened meanwhile."""
        self._work(self.runners[of % len(self.runners)], wishes)

    def _work(self, runner: RunnerProcess, wishes: list[str]) -> None:
        for wish in wishes:
            if wish == "accept" and len(self.runs) < MAX_RUNS:
                self.accept(self.lanes.index(runner.lane), False)
            elif wish != "accept" and runner in self.runners:
                self._write(runner, runner.next_write(wish))
                self.promises_hold()

    def _write(self, runner: RunnerProcess, write: str) -> None:
        may_write = runner.may(write, StoredState.read())
        try:
            runner.do(write)
        except LeaseLostError:
            assert not may_write, f"{write}: the holder was refused"
            self.runners.remove(runner)
            return
        assert may_write or runner.is_refused or write == "look", f"{write}: written by one that is not the holder"
        if runner.has_left:
            self.runners.remove(runner)
            with pytest.raises(LeaseLostError):
                runner.renew()  # the heartbeat was on its way when its runner gave the lane back

    @precondition(lambda self: self.runners)
    @rule(of=PICKS)
    def beat(self, of: int) -> None:
        runner = self.runners[of % len(self.runners)]
        is_holder = runner.holds(StoredState.read())
        try:
            runner.renew()
        except LeaseLostError:
            assert not is_holder, "the holder was refused"
            self.runners.remove(runner)
        else:
            assert is_holder, "a lease was renewed that is not held"

    @precondition(lambda self: self.runs)
    @rule(of=PICKS, seconds_ahead=SKEWS)
    def cancel(self, of: int, seconds_ahead: int) -> None:
        lane, run = self.runs[of % len(self.runs)]
        clock = SkewedClock(self.clock, seconds_ahead)
        Cancellation(lane.database, lane.doorbell, clock).cancel_named(TENANT, lane.agent.id, [run.id])
        assert StoredState.read().runs[run.id].status.is_terminal

    @rule(seconds=st.sampled_from(SECONDS))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @invariant()
    def promises_hold(self) -> None:
        self.promises.check(StoredState.read())

    def teardown(self) -> None:
        """Let the sweeper alone finish what was left lying about."""
        for _ in range(SETTLING_SWEEPS):
            if not any("due_at" in lane for lane in StoredState.read().lanes.values()):
                break
            for lane in self.lanes:
                lane.sweep()
            self.promises_hold()
        for lane in self.lanes:
            lane.assert_settled([run for of, run in self.runs if of is lane])


def is_claimable(lane: Item, now_ms: int) -> bool:
    """Tell whether a doorbell answered at this moment must find something to do."""
    is_free = "lease_holder" not in lane or lane["lease_expires_ms"] < now_ms
    return bool(lane["waiting"]) and is_free and lane.get("asleep_until_ms", 0) <= now_ms
