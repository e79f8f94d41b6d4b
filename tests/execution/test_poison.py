"""A run that kills whoever works on it: it ends `failed` and says so, and those behind it go on."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from nightshift.domain.errors import PayloadMissingError, TransientError
from nightshift.domain.run import MAX_STARTS_WITHOUT_PROGRESS, Run
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.execution.run_loop import POISON, REQUEST_MISSING
from nightshift.storage.runs import Runs
from nightshift.tools.sandbox import Sandbox
from support.aws_tables import client_of
from support.lane import LEASE, TENANT, Lane, ProcessDiedError
from support.scripted_model.answers import Call, Reply
from support.scripted_model.server import ScriptedModel

CALLBACK = "http://127.0.0.1:1/callback"
PAY = 'def pay():\n    return "paid"'


def outlive_lease(lane: Lane) -> None:
    lane.clock.advance(LEASE.total_seconds() + 1)


def assert_ended_as_poison(lane: Lane, run: Run, error: str = POISON) -> None:
    found, delivery = lane.run(run), lane.database.deliveries.get(TENANT, run.id)
    assert (found.status, found.stop_reason, found.error) == (RunStatus.FAILED, StopReason.ERROR, error)
    assert "3 times" in error
    assert delivery is not None
    assert delivery.run_status is RunStatus.FAILED


def test_run_that_kills_three_runners_in_the_model_call_fails_and_the_next_one_is_executed(lane: Lane) -> None:
    run, following = lane.accept("deadly", callback_url=CALLBACK), lane.accept("harmless")
    for _ in range(MAX_STARTS_WITHOUT_PROGRESS):
        assert lane.run(run).status in {RunStatus.CREATED, RunStatus.RUNNING}
        lane.run_slice_that_dies_in_the_model_call()
        outlive_lease(lane)

    lane.run_slice()

    assert_ended_as_poison(lane, run)
    assert lane.run(following).status is RunStatus.COMPLETED
    lane.assert_settled([run, following])


def test_run_whose_tool_kills_three_runners_fails_with_its_calls_answered(lane: Lane, provider: ScriptedModel) -> None:
    lane.use_agent(PAY)
    provider.play(rule=lambda _seen: Reply(tool_calls=(Call("pay"),)))
    deaths: list[str] = []

    def die(payload: dict[str, Any]) -> dict[str, Any]:
        deaths.append(payload["tool_call_id"])
        raise ProcessDiedError("in the tool")

    lane.sandbox = Sandbox(die)
    run = lane.accept(callback_url=CALLBACK)
    for _ in range(MAX_STARTS_WITHOUT_PROGRESS + 1):
        with pytest.raises(ProcessDiedError):
            lane.run_slice()
        outlive_lease(lane)

    lane.run_slice()

    assert_ended_as_poison(lane, run)
    assert len(set(deaths)) == 1, "every repeat has the key of the first"
    lane.assert_settled([run])


def test_run_that_makes_progress_between_deaths_is_no_poison(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(
        rule=lambda seen: Reply("done") if seen.tool_returns_since_user > 3 else Reply(tool_calls=(Call("x"),))
    )
    run = lane.accept()
    for _ in range(2 * MAX_STARTS_WITHOUT_PROGRESS):
        lane.run_slice_that_dies_in_the_model_call(after_calls=1)
        outlive_lease(lane)
        if lane.run(run).status.is_terminal:
            break

    assert lane.run(run).status is RunStatus.COMPLETED
    lane.assert_settled([run])


@pytest.mark.parametrize("breaks", [KeyError, ValueError, TypeError])
def test_run_whose_request_no_runner_can_read_fails_after_three(
    lane: Lane, monkeypatch: pytest.MonkeyPatch, breaks: Callable[[str], Exception]
) -> None:
    run, following = lane.accept("unreadable", callback_url=CALLBACK), lane.accept("harmless")
    read = Runs.get_request

    def read_unless_broken(runs: Runs, wanted: Run) -> Any:
        if wanted.id == run.id:
            raise breaks("inputs")
        return read(runs, wanted)

    monkeypatch.setattr(Runs, "get_request", read_unless_broken)
    for _ in range(MAX_STARTS_WITHOUT_PROGRESS):
        with pytest.raises((KeyError, ValueError, TypeError)):
            lane.run_slice()
        outlive_lease(lane)

    lane.run_slice()

    assert_ended_as_poison(lane, run)
    assert lane.run(following).status is RunStatus.COMPLETED
    lane.assert_settled([run, following])


def refuse_objects(monkeypatch: pytest.MonkeyPatch, code: str) -> Callable[[], None]:
    """Let S3 answer every GetObject with this error; return what ends that."""
    make_api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's stubs leave it out

    def refuse(client: BaseClient, operation: str, parameters: Any) -> Any:
        if operation == "GetObject":
            raise ClientError({"Error": {"Code": code}}, operation)
        return make_api_call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", refuse)
    return lambda: monkeypatch.setattr(BaseClient, "_make_api_call", make_api_call)


@pytest.mark.parametrize("may_list", [True, False], ids=["404 NoSuchKey", "403 AccessDenied"])
def test_run_whose_request_is_missing_fails_after_three_tries_and_says_so(
    lane: Lane, monkeypatch: pytest.MonkeyPatch, *, may_list: bool
) -> None:
    """Without s3:ListBucket, which no runner has, S3 answers 403 for what is not there."""
    run, following = lane.accept("x" * 70_000, callback_url=CALLBACK), lane.accept("harmless")
    client_of("s3").delete_object(Bucket=lane.stack.values["PayloadBucket"], Key=lane.stack.objects()[0])
    if not may_list:
        refuse_objects(monkeypatch, "AccessDenied")
    for _ in range(MAX_STARTS_WITHOUT_PROGRESS):
        with pytest.raises(PayloadMissingError):
            lane.run_slice()
        assert not lane.run(run).status.is_terminal
        outlive_lease(lane)

    lane.run_slice()

    assert_ended_as_poison(lane, run, REQUEST_MISSING)
    assert lane.run(following).status is RunStatus.COMPLETED
    lane.assert_settled([run, following])


@pytest.mark.parametrize(("code", "times"), [("AccessDenied", MAX_STARTS_WITHOUT_PROGRESS - 1), ("SlowDown", 8)])
def test_run_whose_request_can_be_read_again_is_executed(
    lane: Lane, monkeypatch: pytest.MonkeyPatch, code: str, times: int
) -> None:
    run = lane.accept("x" * 70_000)
    mend = refuse_objects(monkeypatch, code)
    for _ in range(times):
        with pytest.raises(TransientError):
            lane.run_slice()
        outlive_lease(lane)
    mend()

    lane.run_slice()

    assert lane.run(run).status is RunStatus.COMPLETED
    assert lane.log[0].draft.text == "x" * 70_000
    lane.assert_settled([run])
