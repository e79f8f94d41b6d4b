"""Each AWS call of a run is refused once, as a busy service does: the run comes to its end all the same, once.

Any call may be throttled; a write may conflict with somebody else's transaction. What botocore repeats by itself is
below this: here it has given up.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pytest

from crash.refusal import CONFLICTING, Refusal
from intake.aws_failures import fail, no_connection
from nightshift.domain.errors import TransientError
from nightshift.domain.run import Run
from support.lane import TENANT, Lane
from support.scripted_model.rules import answer_after_tool_calls
from support.scripted_model.server import ScriptedModel

CALLBACK: Final = "http://127.0.0.1:1/callback"
SWEEPS: Final = 3
LARGE: Final = "large " * 12_000
INSERT: Final = '{"label": "human", "new_string": "likes tea"}'


def play(lane: Lane) -> Run:
    """Let a run with a large request, a change of memory and a callback be accepted, executed and swept for."""
    lane.agent = lane.create_agent(memory_blocks=[{"label": "human", "value": ""}])
    run = _accept(lane)
    with suppress(TransientError):
        lane.run_slice()
    for _ in range(SWEEPS):
        with suppress(TransientError):
            lane.sweep()
    return run


def _accept(lane: Lane) -> Run:
    """A client that is told to come back does."""
    with suppress(TransientError):
        return lane.accept(LARGE, callback_url=CALLBACK)
    return lane.accept(LARGE, callback_url=CALLBACK)


def assert_complete_and_once(lane: Lane, run: Run) -> None:
    lane.assert_settled([run])
    assert lane.run(run).status.value == "completed"
    assert [str(message.role) for message in lane.log] == ["user", "assistant", "tool", "assistant"]
    (block,) = lane.database.blocks.get_many(TENANT, lane.agent.block_ids)
    assert block.value.count("likes tea") == 1
    delivery = lane.database.deliveries.get(TENANT, run.id)
    assert delivery is not None
    assert delivery.run_status.value == "completed"


@pytest.mark.parametrize("is_conflict", [False, True], ids=["throttled", "conflicting"])
def test_run_completes_once_whichever_call_is_refused(
    lane: Lane, provider: ScriptedModel, is_conflict: bool, tell: Callable[[str], None]
) -> None:
    provider.play(rule=answer_after_tool_calls(1, "memory_insert", INSERT))
    play(lane)  # reads the secret, once and for all
    with pytest.MonkeyPatch.context() as patch:
        calls = Refusal()
        calls.begin(patch)
        run = play(lane)
        made = list(calls.made)
    assert_complete_and_once(lane, run)
    first = made.index("TransactWriteItems") + 1  # what comes before makes the agent
    numbers = [
        number
        for number, operation in enumerate(made, 1)
        if number > first and (not is_conflict or operation in CONFLICTING)
    ]
    for number in numbers:
        with pytest.MonkeyPatch.context() as patch:
            refusal = Refusal(number, is_conflict)
            refusal.begin(patch)
            run = play(lane)
        assert len(refusal.made) >= number
        assert_complete_and_once(lane, run)
    tell(f"calls {'in conflict' if is_conflict else 'throttled'}: {len(numbers)}, lost 0, duplicated 0")


def test_run_that_was_accepted_while_the_queue_was_down_is_rung_for_by_the_sweeper(
    lane: Lane, provider: ScriptedModel
) -> None:
    provider.play(rule=answer_after_tool_calls(1, "memory_insert", INSERT))
    lane.agent = lane.create_agent(memory_blocks=[{"label": "human", "value": ""}])
    lane.stack.messages("RunQueue")
    with pytest.MonkeyPatch.context() as patch:
        fail(patch, "SendMessage", always=no_connection())
        run = lane.accept(callback_url=CALLBACK)
    assert lane.stack.messages("RunQueue") == []
    lane.sweep()
    assert_complete_and_once(lane, run)
