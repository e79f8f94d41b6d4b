"""A run that its client cancels, wherever it is (promise 7): sticky, at once, and with a history that a model takes.

Where a cancellation must meet a runner at a certain point, it happens inside the runner's model call.
"""

import json
from datetime import timedelta

import pytest

from nightshift.domain.errors import ConflictError, NotFoundError
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.execution.slice import SliceOutcome
from nightshift.execution.tool_calls import ToolCalls
from nightshift.intake.cancel import Cancellation
from support.lane import TENANT, Lane
from support.scripted_model.answers import Answer, Call, ErrorReply, Reply
from support.scripted_model.rules import answer_after_tool_calls
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

CALLBACK = "http://127.0.0.1:1/callback"


def cancel(lane: Lane, *runs: Run) -> dict[str, str]:
    """Cancel as http_api does: these runs, or all active ones."""
    cancellation = Cancellation(lane.database, lane.doorbell, lane.clock)
    if runs:
        return cancellation.cancel_named(TENANT, lane.agent.id, [run.id for run in runs])
    return cancellation.cancel_agent(TENANT, lane.agent.id)


def assert_cancelled(lane: Lane, run: Run) -> None:
    """Check the run and its delivery."""
    found, delivery = lane.run(run), lane.database.deliveries.get(TENANT, run.id)
    assert (found.status, found.stop_reason) == (RunStatus.CANCELLED, StopReason.CANCELLED)
    assert found.completed_at is not None
    assert (delivery is not None) == (run.callback_url is not None)
    if delivery:
        assert (delivery.run_status, delivery.stop_reason) == (found.status, found.stop_reason)
        assert delivery.run_completed_at == found.completed_at


def while_it_thinks(
    lane: Lane, answer: Answer, *, cancels_at_call: int = 1
) -> tuple[ScriptedModel, list[dict[str, str]]]:
    """Let the model's n-th call be overtaken by a cancellation of everything."""
    outcomes: list[dict[str, str]] = []
    calls: list[SeenRequest] = []

    def rule(seen: SeenRequest) -> Answer:
        calls.append(seen)
        if len(calls) == cancels_at_call:
            outcomes.append(cancel(lane))
        return answer

    lane.provider.play(rule=rule)
    return lane.provider, outcomes


def test_queued_run_ends_at_once_and_leaves_no_message(lane: Lane) -> None:
    run = lane.accept(callback_url=CALLBACK)

    assert cancel(lane, run) == {run.id: "cancelled"}

    assert_cancelled(lane, run)
    assert lane.run_slice().outcome is SliceOutcome.FINISHED
    assert lane.log == []
    assert lane.provider.requests == []
    assert_cancelled(lane, run)
    lane.assert_settled([run])


def test_run_queued_behind_others_is_passed_over(lane: Lane) -> None:
    runs = [lane.accept(f"message {number}") for number in range(3)]
    cancel(lane, runs[1])

    lane.run_slice()

    statuses = [lane.run(run).status for run in runs]
    assert statuses == [RunStatus.COMPLETED, RunStatus.CANCELLED, RunStatus.COMPLETED]
    assert [text for text in lane.texts() if text.startswith("user")] == ["user: message 0", "user: message 2"]
    lane.assert_settled(runs)


def test_run_cancelled_in_its_model_call_keeps_nothing_of_that_step(lane: Lane) -> None:
    run = lane.accept(callback_url=CALLBACK)
    _, outcomes = while_it_thinks(lane, Reply("too late"))

    assert lane.run_slice().outcome is SliceOutcome.FINISHED

    assert outcomes == [{run.id: "cancelled"}]
    assert_cancelled(lane, run)
    assert lane.texts() == ["user: hello"]
    assert lane.run(run).step_count == 0
    lane.assert_settled([run])


def test_run_cancelled_in_a_later_model_call_keeps_the_steps_before(lane: Lane) -> None:
    run = lane.accept()
    while_it_thinks(lane, Reply(tool_calls=(Call("look_up", id="call_1"),)), cancels_at_call=2)

    lane.run_slice()

    assert_cancelled(lane, run)
    assert [message.role for message in lane.log] == ["user", "assistant", "tool"]
    assert lane.run(run).step_count == 1
    lane.assert_settled([run])


@pytest.mark.parametrize("stores", [True, False])
def test_returns_of_tools_that_ran_are_kept_and_calls_without_one_are_answered(
    lane: Lane, monkeypatch: pytest.MonkeyPatch, stores: bool
) -> None:
    """The cancellation comes while the tools run; where the runner dies there too, the next one answers the calls."""
    lane.use_agent('def look_up():\n    return "found"', parallel_tool_calls=True)
    run = lane.accept()
    lane.provider.play([Reply(tool_calls=(Call("look_up", id="call_1"), Call("look_up", id="call_2")))])
    answer = ToolCalls.answer

    def answer_and_be_cancelled(tools: ToolCalls, *rest: object) -> object:
        answered = answer(tools, *rest)  # type: ignore[arg-type]  # passed on as it came
        cancel(lane)
        if not stores:
            raise RuntimeError("the runner dies")
        return answered

    monkeypatch.setattr(ToolCalls, "answer", answer_and_be_cancelled)
    if stores:
        lane.run_slice()
    else:
        with pytest.raises(RuntimeError):
            lane.run_slice()
        lane.sweep()

    assert_cancelled(lane, run)
    returns = lane.log[-1].draft.tool_returns
    assert [given.tool_call_id for given in returns] == ["call_1", "call_2"]
    assert all(("was cancelled" in given.text) is not stores for given in returns)
    assert lane.run(run).last_sequence == 3
    lane.assert_settled([run])


def test_history_of_a_cancelled_run_is_taken_by_the_next_one(lane: Lane, provider: ScriptedModel) -> None:
    first = lane.accept("first")
    while_it_thinks(lane, Reply(tool_calls=(Call("look_up", id="call_1"),)), cancels_at_call=2)
    lane.run_slice()
    second = lane.accept("second")
    provider.play([Reply("done")])

    lane.run_slice()

    assert lane.run(second).status is RunStatus.COMPLETED
    assert [turn.role for turn in provider.requests[-1].turns][-3:] == ["assistant", "tool", "user"]
    lane.assert_settled([first, second])


def test_sleeping_run_is_woken_to_leave_the_queue(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([ErrorReply(429, "slow down", headers={"Retry-After": "3000"}), Reply("next")])
    runs = [lane.accept("first", callback_url=CALLBACK), lane.accept("second")]
    assert lane.run_slice().outcome is SliceOutcome.WAITS

    cancel(lane, runs[0])

    assert_cancelled(lane, runs[0])
    assert lane.run_slice().outcome is SliceOutcome.FINISHED
    assert lane.run(runs[1]).status is RunStatus.COMPLETED
    lane.assert_settled(runs)


def test_sleep_goes_on_when_a_run_behind_is_cancelled(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([ErrorReply(429, "slow down", headers={"Retry-After": "3000"}), Reply("awake")])
    runs = [lane.accept("first"), lane.accept("second")]
    lane.run_slice()

    cancel(lane, runs[1])

    assert lane.run_slice().outcome is SliceOutcome.LOST
    lane.clock.advance(3000)
    lane.run_slice()
    assert lane.run(runs[0]).status is RunStatus.COMPLETED
    lane.assert_settled(runs)


def test_run_cancelled_in_the_call_that_asks_for_a_wait_does_not_sleep(lane: Lane) -> None:
    run = lane.accept()
    while_it_thinks(lane, ErrorReply(429, "slow down", headers={"Retry-After": "3000"}))

    assert lane.run_slice().outcome is SliceOutcome.FINISHED

    assert_cancelled(lane, run)
    lane.assert_settled([run])


def test_run_between_slices_leaves_the_queue_with_the_next(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=answer_after_tool_calls(5))
    run = lane.accept()
    assert lane.run_slice(slice_seconds=0).outcome is SliceOutcome.CONTINUES

    cancel(lane, run)

    assert lane.run_slice(slice_seconds=0).outcome is SliceOutcome.FINISHED
    assert_cancelled(lane, run)
    lane.assert_settled([run])


def test_second_cancellation_changes_nothing(lane: Lane) -> None:
    run = lane.accept(callback_url=CALLBACK)
    cancel(lane, run)
    before = lane.run(run)
    lane.clock.advance(5)

    assert cancel(lane, run) == {run.id: "cancelled"}

    assert lane.run(run) == before
    with pytest.raises(ConflictError, match=f"CONFLICT: No active runs to cancel for agent {lane.agent.id}"):
        cancel(lane)


def test_completed_run_stays_completed(lane: Lane) -> None:
    run = lane.accept()
    lane.run_slice()
    before = lane.run(run)

    assert cancel(lane, run) == {run.id: "cancelled"}

    assert lane.run(run) == before
    assert before.status is RunStatus.COMPLETED


def test_run_that_finishes_between_the_read_and_the_write_stays_completed(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = lane.accept(callback_url=CALLBACK)
    transact = type(lane.database).transact
    slices: list[SliceOutcome] = []

    def finish_first(database: object, writes: object) -> None:
        if not slices:
            slices.append(SliceOutcome.LOST)
            slices.append(lane.run_slice().outcome)
        transact(database, writes)  # type: ignore[arg-type]  # passed on as it came

    monkeypatch.setattr(type(lane.database), "transact", finish_first)
    assert cancel(lane, run) == {run.id: "cancelled"}

    assert slices[1] is SliceOutcome.FINISHED
    assert lane.run(run).status is RunStatus.COMPLETED
    delivery = lane.database.deliveries.get(TENANT, run.id)
    assert delivery is not None
    assert delivery.run_status is RunStatus.COMPLETED
    lane.assert_settled([run])


def test_cancelling_all_takes_those_that_wait_too(lane: Lane) -> None:
    runs = [lane.accept(f"message {number}") for number in range(4)]
    _, outcomes = while_it_thinks(lane, Reply("too late"))

    lane.run_slice()

    assert outcomes == [{run.id: "cancelled" for run in reversed(runs)}]
    for run in runs:
        assert_cancelled(lane, run)
    assert lane.texts() == ["user: message 0"]
    lane.assert_settled(runs)


def test_unknown_and_foreign_runs_fail_and_an_unknown_agent_is_not_found(lane: Lane) -> None:
    run = lane.accept()
    other = lane.create_agent()
    cancellation = Cancellation(lane.database, lane.doorbell, lane.clock)

    assert cancellation.cancel_named(TENANT, other.id, [run.id, "run-unknown"]) == {
        run.id: "failed",
        "run-unknown": "failed",
    }

    assert lane.run(run).status is RunStatus.CREATED
    with pytest.raises(NotFoundError):
        cancellation.cancel_named("somebody-else", lane.agent.id, [run.id])


def test_lost_doorbell_of_a_cancellation_is_rung_by_the_due_index(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([ErrorReply(429, "slow down", headers={"Retry-After": "3000"})])
    run = lane.accept()
    lane.run_slice()
    cancel(lane, run)

    lane.sweep()

    lane.assert_settled([run])
    assert lane.database.conversations.due(lane.clock.now() + timedelta(days=2), 10) == []


def test_cancellation_costs_five_calls(lane: Lane) -> None:
    run = lane.accept()
    lane.stack.calls.clear()

    cancel(lane)

    assert [call.operation for call in lane.stack.calls] == [
        "GetItem",
        "Query",
        "GetItem",
        "TransactWriteItems",
        "SendMessage",
    ]
    assert json.loads(lane.stack.calls[-1].parameters["MessageBody"])["subject"] == run.agent_id
