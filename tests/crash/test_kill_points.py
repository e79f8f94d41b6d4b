"""Each scenario is run once per write and kind of death, then the sweeper does its work (promises 1 to 5 and 8).

After every one: all runs terminal, nothing in the log twice or missing, every call answered, the conversation free,
nothing due, and one delivery that agrees with its run.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

import pytest

from crash.kill_switch import Death, KillSwitch
from nightshift.domain.errors import ConflictError, TransientError
from nightshift.domain.run import Run
from nightshift.execution.slice import SliceOutcome
from nightshift.intake.cancel import Cancellation
from support.aws_tables import Stack
from support.compactions import FULL, is_asked_for_summary, summaries_in
from support.lane import TENANT, Lane, ProcessDiedError
from support.scripted_model.answers import Answer, Call, ErrorReply, Reply
from support.scripted_model.rules import Rule, answer_after_tool_calls, echo_history
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

CALLBACK = "http://127.0.0.1:1/callback"
SWEEPS = 8
"""Far more than any single death needs."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is accepted and how it is worked on.

    Attributes:
        bodies: one accepted run each.
        rule: the model.
        slice_seconds: 0 makes every step a slice of its own.
        log_length: messages in the log once everything is done; None where a death decides how far a run comes.
        is_compacted: whether a compaction is asked for after all bodies.
        cancel_before_slice: number of the slice, from 0, before which everything active is cancelled.
    """

    bodies: tuple[dict[str, object], ...]
    rule: Rule
    log_length: int | None
    slice_seconds: float = 120
    is_compacted: bool = False
    cancel_before_slice: int | None = None

    @property
    def requests(self) -> int:
        return len(self.bodies) + self.is_compacted


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


def _failing(_seen: object) -> ErrorReply:
    return ErrorReply(400, "refused")


def _brief(seen: SeenRequest) -> Reply:
    return Reply("a summary" if is_asked_for_summary(seen) else "Well.")


SHOWN = {"include_compaction_messages": True}

SCENARIOS = {
    "plain turn": Scenario(({},), echo_history, log_length=2),
    "callback": Scenario(({"callback_url": CALLBACK},), echo_history, log_length=2),
    "tool calls in sequence": Scenario(({"callback_url": CALLBACK},), answer_after_tool_calls(2), log_length=6),
    "two queued runs": Scenario(({}, {"callback_url": CALLBACK}), echo_history, log_length=4),
    "every step a slice": Scenario(({},), answer_after_tool_calls(2), log_length=6, slice_seconds=0),
    "provider fails": Scenario(({"callback_url": CALLBACK},), _failing, log_length=1),
    "cancelled in the queue": Scenario(
        ({"callback_url": CALLBACK}, {}), echo_history, log_length=None, cancel_before_slice=0
    ),
    "cancelled between slices": Scenario(
        ({"callback_url": CALLBACK}, {}),
        answer_after_tool_calls(2),
        log_length=None,
        slice_seconds=0,
        cancel_before_slice=1,
    ),
    "compacted after steps": Scenario(({"callback_url": CALLBACK, **SHOWN},), _full, log_length=8),
    "compacted, every step a slice": Scenario(({},), _full, log_length=6, slice_seconds=0),
    "compacted because it is too long": Scenario(({}, {}), _too_long, log_length=5),
    "compacted on request": Scenario(({},), _brief, log_length=3, is_compacted=True),
    "large input": Scenario(({"text": "x" * 100_000},), echo_history, log_length=2),
}


@dataclass(slots=True)
class Attempt:
    """One go at a scenario."""

    lane: Lane
    scenario: Scenario
    runs: list[Run]

    def work(self) -> None:
        """Accept and execute; every accept and every slice is a process of its own, which may die."""
        for body in self.scenario.bodies:
            with self._process():
                self.runs.append(self.lane.accept(**{"text": "hello", **body}))  # type: ignore[arg-type]
        if self.scenario.is_compacted:
            with self._process():
                self.runs.append(self.lane.compact())
        for number in count():
            if number == self.scenario.cancel_before_slice:
                with self._process():
                    self._cancel()
            is_done = True
            with self._process():
                is_done = self.lane.run_slice(self.scenario.slice_seconds).outcome is not SliceOutcome.CONTINUES
            if is_done:
                return

    def _cancel(self) -> None:
        with suppress(ConflictError):
            Cancellation(self.lane.database, self.lane.doorbell, self.lane.clock).cancel_agent(
                TENANT, self.lane.agent.id
            )

    def recover(self) -> None:
        """Let the sweeper ring until nothing is due any more."""
        for _ in range(SWEEPS):
            if not self.lane.sweep():
                return

    def accepted(self) -> list[Run]:
        """Return the runs that are stored: also one whose acceptance the client never heard of."""
        page = self.lane.database.runs.list_page(TENANT, self.lane.agent.id, forward=True, limit=100)
        return self.lane.database.runs.get_many(TENANT, [entry["run_id"] for entry in page.items])

    @staticmethod
    def _process() -> suppress:
        return suppress(ProcessDiedError, TransientError)


@pytest.mark.parametrize("name", SCENARIOS)
def test_death_at_any_write_loses_and_repeats_nothing(
    name: str,
    stack: Stack,
    provider: ScriptedModel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scenario = SCENARIOS[name]
    provider.play(rule=scenario.rule)
    writes = _count_writes(scenario, stack, provider, monkeypatch)
    for at, death in _points(writes):
        attempt, switch = Attempt(Lane(stack, provider), scenario, []), KillSwitch(at, death)
        with switch.armed(monkeypatch):
            attempt.work()
        assert switch.has_struck
        attempt.recover()
        _check(attempt, f"{name}: write {at} of {writes}, {death}")
    with capsys.disabled():
        print(f"\nkill points: {writes * len(Death)} in {name!r}, lost 0, duplicated 0, stuck 0")  # noqa: T201 -- the report


def _count_writes(scenario: Scenario, stack: Stack, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> int:
    attempt = Attempt(Lane(stack, provider), scenario, [])
    with KillSwitch().armed(monkeypatch) as written:
        attempt.work()
    _check(attempt, "undisturbed")
    return len(written)


def _points(writes: int) -> Iterator[tuple[int, Death]]:
    return ((at, death) for at in range(1, writes + 1) for death in Death)


def _check(attempt: Attempt, at: str) -> None:
    accepted = attempt.accepted()
    known = {run.id for run in attempt.runs}
    assert known <= {run.id for run in accepted}, f"{at}: an acknowledged run is lost"
    if attempt.scenario.log_length is not None and len(accepted) == attempt.scenario.requests:
        assert len(attempt.lane.log) == attempt.scenario.log_length, f"{at}: {attempt.lane.texts()}"
    attempt.lane.assert_settled(accepted)
    for run in accepted:
        _check_delivery(attempt.lane, run, at)


def _check_delivery(lane: Lane, run: Run, at: str) -> None:
    delivery = lane.database.deliveries.get(TENANT, run.id)
    if run.callback_url is None:
        assert delivery is None, at
        return
    assert delivery is not None, f"{at}: a callback is lost"
    assert (delivery.run_status, delivery.stop_reason) == (run.status, run.stop_reason), at
