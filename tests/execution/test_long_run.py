"""Runs that outlive a slice: LongRun's rounds, waits and fresh executions, against its own definition."""

from datetime import timedelta

import pytest

from disorder.runner_process import SkewedClock
from nightshift.domain.errors import TransientError
from nightshift.domain.run import MAX_WAITS, Run
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.execution import long_run
from nightshift.execution.long_run import continue_as_long_run
from nightshift.execution.slice import SliceOutcome, SliceRunner
from nightshift.intake.cancel import Cancellation
from nightshift.storage.long_runs import LongRuns
from support.lane import TENANT, Lane
from support.long_run_machine import LongRunMachine
from support.scripted_model.answers import Answer, ErrorReply, Reply
from support.scripted_model.rules import answer_after_tool_calls
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

SLOW_DOWN = ErrorReply(429, "slow down", headers={"Retry-After": "300"})


def machine_of(lane: Lane, monkeypatch: pytest.MonkeyPatch, runner: SliceRunner | None = None) -> LongRunMachine:
    return LongRunMachine(lane.clock, runner or lane.runner(slice_seconds=0), monkeypatch)


def answer_doorbell(lane: Lane, machine: LongRunMachine) -> SliceOutcome:
    """Do what queue_runner does with one message."""
    result = lane.run_slice(slice_seconds=0)
    continue_as_long_run(machine.long_runs, result, "correlation")
    return result.outcome


def cancel(lane: Lane, run: Run) -> None:
    Cancellation(lane.database, lane.doorbell, lane.clock).cancel_named(TENANT, lane.agent.id, [run.id])


def test_run_of_many_slices_goes_on_in_fresh_executions(
    lane: Lane, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 4
    monkeypatch.setattr(long_run, "MAX_SLICES_PER_EXECUTION", limit)
    provider.play(rule=answer_after_tool_calls(14))
    run, machine = lane.accept(), machine_of(lane, monkeypatch)
    assert answer_doorbell(lane, machine) is SliceOutcome.CONTINUES

    executions = machine.run_all()

    assert [execution.visited.count("Slice") for execution in executions] == [4, 4, 4, 2]
    assert len({execution.name for execution in executions}) == 4
    assert all(execution.name.startswith(run.id) for execution in executions)
    # Slice and Decide with one attempt each round, and Decide and Done at the ends.
    assert max(execution.events for execution in executions) == limit * (3 + 2 + 2) + 6
    assert lane.run(run).step_count == 15
    lane.assert_settled([run])


def test_wait_goes_over_into_the_fresh_execution(
    lane: Lane, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_run, "MAX_SLICES_PER_EXECUTION", 1)
    provider.play([SLOW_DOWN, SLOW_DOWN, Reply("awake")])
    run, machine = lane.accept(), machine_of(lane, monkeypatch)
    answer_doorbell(lane, machine)

    executions = machine.run_all()

    assert [execution.visited for execution in executions] == [["Decide", "Wait", "Slice", "Decide", "Done"]] * 2
    lane.assert_settled([run])


@pytest.mark.parametrize("seconds_ahead", [-3, 0, 3], ids="function's clock {} s ahead".format)
def test_retry_after_becomes_a_wait_whose_end_the_next_slice_does_not_miss(
    lane: Lane, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch, seconds_ahead: float
) -> None:
    """The sleep ends in the middle of a second; a Wait ends at its beginning, by another clock."""
    provider.play([SLOW_DOWN, Reply("awake")])
    runner = lane.runner(slice_seconds=0, clock=SkewedClock(lane.clock, seconds_ahead))
    run, machine = lane.accept(), machine_of(lane, monkeypatch, runner)
    lane.clock.advance(0.7)
    began_at = lane.clock.now()
    assert answer_doorbell(lane, machine) is SliceOutcome.WAITS
    assert lane.clock.now() - began_at < timedelta(seconds=30), "a function slept through the wait"

    (execution,) = machine.run_all()

    assert execution.visited == ["Decide", "Wait", "Slice", "Decide", "Done"]
    assert lane.run(run).status is RunStatus.COMPLETED
    lane.assert_settled([run])


def test_provider_that_asks_for_time_at_every_step_is_waited_for(
    lane: Lane, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = MAX_WAITS + 2
    asked: list[int] = []

    def rule(seen: SeenRequest) -> Answer:
        asked.append(len(asked))
        return SLOW_DOWN if len(asked) % 2 else answer_after_tool_calls(steps - 1)(seen)

    provider.play(rule=rule)
    run, machine = lane.accept(), machine_of(lane, monkeypatch)
    answer_doorbell(lane, machine)

    machine.run_all()

    assert (lane.run(run).status, lane.run(run).step_count) == (RunStatus.COMPLETED, steps)
    lane.assert_settled([run])


def test_provider_that_only_asks_for_time_is_given_up(
    lane: Lane, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.play([SLOW_DOWN] * (MAX_WAITS + 1))
    run, machine = lane.accept(), machine_of(lane, monkeypatch)
    answer_doorbell(lane, machine)

    (execution,) = machine.run_all()

    assert execution.visited.count("Wait") == MAX_WAITS
    assert lane.run(run).status is RunStatus.FAILED
    lane.assert_settled([run])


def test_cancellation_in_a_wait_is_at_once_and_the_execution_ends_by_itself(
    lane: Lane, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.play([SLOW_DOWN, Reply("never said")])
    run, machine = lane.accept(), machine_of(lane, monkeypatch)
    answer_doorbell(lane, machine)

    def cancel_in_wait(state: str) -> None:
        if state == "Wait":
            cancel(lane, run)
            assert answer_doorbell(lane, machine) is SliceOutcome.FINISHED

    (execution,) = machine.run_all(cancel_in_wait)

    assert execution.visited == ["Decide", "Wait", "Slice", "Decide", "Done"]
    assert len(provider.requests) == 1
    assert lane.run(run).stop_reason is StopReason.CANCELLED
    lane.assert_settled([run])


def test_cancellation_reaches_a_long_run_within_a_step(
    lane: Lane, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, calls = lane.accept(), []

    def cancel_in_the_fifth_call(seen: SeenRequest) -> Answer:
        calls.append(seen)
        if len(calls) == 5:
            cancel(lane, run)
        return answer_after_tool_calls(100)(seen)

    provider.play(rule=cancel_in_the_fifth_call)
    machine = machine_of(lane, monkeypatch)
    answer_doorbell(lane, machine)

    machine.run_all()

    assert len(calls) == 5
    assert (lane.run(run).stop_reason, lane.run(run).step_count) == (StopReason.CANCELLED, 4)
    lane.assert_settled([run])


def test_slice_that_fails_for_good_ends_the_execution_and_the_sweeper_goes_on(
    lane: Lane, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.play(rule=answer_after_tool_calls(3))
    run, machine = lane.accept(), machine_of(lane, monkeypatch)
    answer_doorbell(lane, machine)
    with monkeypatch.context() as patch:
        patch.setattr(SliceRunner, "run", _fail)
        (execution,) = machine.run_all()
    assert isinstance(execution.error, TransientError)
    assert not lane.run(run).status.is_terminal

    lane.sweep()

    lane.assert_settled([run])


def test_fresh_execution_that_does_not_start_is_left_to_the_sweeper(
    lane: Lane, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_run, "MAX_SLICES_PER_EXECUTION", 2)
    provider.play(rule=answer_after_tool_calls(5))
    run, machine = lane.accept(), machine_of(lane, monkeypatch)
    answer_doorbell(lane, machine)
    with monkeypatch.context() as patch:
        patch.setattr(LongRuns, "start", _fail)
        (execution,) = machine.run_all()
    assert execution.error is None
    assert not lane.run(run).status.is_terminal

    lane.sweep()

    lane.assert_settled([run])


def _fail(*_arguments: object) -> None:
    raise TransientError("the service does not answer")
