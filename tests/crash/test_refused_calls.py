"""Each AWS call of a run is refused once, as a busy service does: the run comes to its end all the same, once.

Any call may be throttled; a write may conflict with somebody else's transaction. What botocore repeats by itself is
below this: here it has given up.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from nightshift.domain.errors import TransientError
from nightshift.domain.run import Run
from support.lane import TENANT, Lane
from support.scripted_model.rules import answer_after_tool_calls
from support.scripted_model.server import ScriptedModel

CALLBACK: Final = "http://127.0.0.1:1/callback"
SWEEPS: Final = 3
CONFLICTING: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})
LARGE: Final = "large " * 12_000
INSERT: Final = '{"label": "human", "new_string": "likes tea"}'


@dataclass(slots=True)
class Refusal:
    """Refuses one AWS call.

    Attributes:
        at: 1-based number of that call, 0 for none.
        made: names of the calls so far.
    """

    at: int = 0
    is_conflict: bool = False
    made: list[str] = field(default_factory=list)

    def begin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        make_api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

        def make_call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            self.made.append(operation)
            if len(self.made) == self.at:
                raise self._error(operation, parameters)
            return make_api_call(client, operation, parameters)

        monkeypatch.setattr(BaseClient, "_make_api_call", make_call)

    def _error(self, operation: str, parameters: dict[str, Any]) -> ClientError:
        if not self.is_conflict:
            return refused(operation, "ThrottlingException")
        if operation != "TransactWriteItems":
            return refused(operation, "TransactionConflictException")
        codes = ["TransactionConflict"] + ["None"] * (len(parameters["TransactItems"]) - 1)
        return refused(
            operation, "TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes]
        )


def refused(operation: str, code: str, **fields: Any) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": f"{code}, says AWS"}, **fields}
    return ClientError(response, operation)


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
def test_run_completes_once_whichever_call_is_refused(lane: Lane, provider: ScriptedModel, is_conflict: bool) -> None:
    provider.play(rule=answer_after_tool_calls(1, "memory_insert", INSERT))
    calls = Refusal()
    with pytest.MonkeyPatch.context() as patch:
        calls.begin(patch)
        run = play(lane)
        made = list(calls.made)
    assert_complete_and_once(lane, run)
    first = made.index("TransactWriteItems") + 1  # what comes before makes the agent
    for number, operation in enumerate(made, 1):
        if number <= first or (is_conflict and operation not in CONFLICTING):
            continue
        with pytest.MonkeyPatch.context() as patch:
            refusal = Refusal(number, is_conflict)
            refusal.begin(patch)
            run = play(lane)
        assert len(refusal.made) > number
        assert_complete_and_once(lane, run)


def test_run_that_was_accepted_while_the_queue_was_down_is_rung_for_by_the_sweeper(
    lane: Lane, provider: ScriptedModel
) -> None:
    provider.play(rule=answer_after_tool_calls(1, "memory_insert", INSERT))
    lane.agent = lane.create_agent(memory_blocks=[{"label": "human", "value": ""}])
    lane.stack.messages("RunQueue")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lane.doorbell.client, "send_message", _down)
        run = lane.accept(callback_url=CALLBACK)
    assert lane.stack.messages("RunQueue") == []
    lane.sweep()
    assert_complete_and_once(lane, run)


def _down(**_parameters: Any) -> None:
    raise refused("SendMessage", "ServiceUnavailable")
