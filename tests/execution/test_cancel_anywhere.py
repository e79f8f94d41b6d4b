"""A run is cancelled wherever it is, by its id or with all others; the answer waits for no model (promise 7)."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.execution.slice import SliceOutcome
from nightshift.intake.cancel import Cancellation
from support.lane import TENANT, Lane
from support.scripted_model.answers import Call, ErrorReply, Reply
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

CALLBACK = "http://127.0.0.1:1/callback"
PATIENCE_SECONDS = 30


def cancel(lane: Lane, run: Run | None) -> dict[str, str]:
    cancellation = Cancellation(lane.database, lane.doorbell, lane.clock)
    if run is None:
        return cancellation.cancel_agent(TENANT, lane.agent.id)
    return cancellation.cancel_named(TENANT, lane.agent.id, [run.id])


def queued(lane: Lane, run: Run, act: Callable[[], None]) -> None:
    act()


def in_the_model_call(lane: Lane, run: Run, act: Callable[[], None]) -> None:
    def rule(_seen: SeenRequest) -> Reply:
        act()
        return Reply("too late")

    lane.provider.play(rule=rule)
    lane.run_slice()


def between_slices(lane: Lane, run: Run, act: Callable[[], None]) -> None:
    lane.provider.play(rule=lambda _seen: Reply(tool_calls=(Call("look"),)))
    assert lane.run_slice(slice_seconds=0).outcome is SliceOutcome.CONTINUES
    act()


def asleep(lane: Lane, run: Run, act: Callable[[], None]) -> None:
    lane.provider.play([ErrorReply(429, headers={"Retry-After": "3000"})])
    assert lane.run_slice().outcome is SliceOutcome.WAITS
    act()


def waiting_for_its_client(lane: Lane, run: Run, act: Callable[[], None]) -> None:
    lane.provider.play([Reply(tool_calls=(Call("measure"),))])
    assert lane.run_slice().outcome is SliceOutcome.FINISHED
    assert lane.conversation.pending_approval is not None
    act()


@pytest.mark.parametrize("by_id", [True, False], ids=["by its id", "with all"])
@pytest.mark.parametrize("where", [queued, in_the_model_call, between_slices, asleep, waiting_for_its_client])
def test_run_is_cancelled_wherever_it_is_and_its_agent_goes_on(
    lane: Lane, where: Callable[[Lane, Run, Callable[[], None]], None], by_id: bool
) -> None:
    run = lane.accept(callback_url=CALLBACK, client_tools=[{"name": "measure"}])
    outcomes: list[dict[str, str]] = []

    where(lane, run, lambda: outcomes.append(cancel(lane, run if by_id else None)))

    assert outcomes == [{run.id: "cancelled"}]
    assert lane.run(run).status is RunStatus.CANCELLED
    lane.run_slice()
    lane.provider.play(rule=lambda _seen: Reply("well"))
    following = lane.accept("are you there?")
    lane.run_slice()
    assert lane.run(following).status is RunStatus.COMPLETED
    assert lane.run(run).status is RunStatus.CANCELLED
    lane.assert_settled([run, following])


def test_answer_comes_while_the_model_thinks(lane: Lane, provider: ScriptedModel) -> None:
    has_thought = Event()

    def think(_seen: SeenRequest) -> Reply:
        has_thought.wait(PATIENCE_SECONDS)
        return Reply("too late")

    provider.play(rule=think)
    run = lane.accept(callback_url=CALLBACK)
    with ThreadPoolExecutor(1) as threads:
        runner = threads.submit(lane.run_slice)
        patience = time.monotonic() + PATIENCE_SECONDS
        while not provider.requests and time.monotonic() < patience:
            time.sleep(0.01)
        try:
            assert cancel(lane, run) == {run.id: "cancelled"}
            assert lane.run(run).status is RunStatus.CANCELLED
            assert not runner.done(), "the model still thinks"
        finally:
            has_thought.set()
    assert runner.result().outcome is SliceOutcome.FINISHED
    assert lane.texts() == ["user: hello"]
    lane.assert_settled([run])
