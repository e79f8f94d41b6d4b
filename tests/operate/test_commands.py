"""Pause and resume, cancel in bulk, replay of callbacks: each command on a stack with runs in it."""

from datetime import timedelta

import pytest

import cancel_runs
import pause
import redeliver
from deployed_stack import DeployedStack
from nightshift.clock import SystemClock, to_iso
from nightshift.domain.callback import AttemptOutcome, DeliveryStatus, Settled
from nightshift.domain.run_status import RunStatus
from nightshift.storage.doorbells import Ring
from nightshift.storage.pauses import Pausable
from support.lane import TENANT, Lane
from support.stored_runs import ended_run, store_ended_run


def rings(lane: Lane, queue: str) -> list[str]:
    return [Ring.from_body(message["Body"]).subject for message in lane.stack.messages(queue)]


def test_resume_rings_for_all_that_waited_and_for_no_other_tenant(lane: Lane, found: DeployedStack) -> None:
    assert pause.main(["pause", TENANT, "execution"]) == 0
    run = lane.accept()
    lane.database.transact(
        [lane.database.conversations.create("other", "conv-1", "agent-1")],
    )
    lane.database.transact([lane.database.conversations.enqueue("other", "conv-1", "run-1", lane.clock.now())])
    rings(lane, "RunQueue")
    assert lane.run_slice().outcome == "lost"
    assert lane.run(run).status is RunStatus.CREATED

    assert pause.main(["resume", TENANT, "execution"]) == 0

    assert rings(lane, "RunQueue") == [lane.agent.id]
    assert lane.run_slice().outcome == "finished"
    assert lane.run(run).status is RunStatus.COMPLETED
    assert found.database.pauses.of(TENANT) == frozenset()


def test_pauses_of_intake_and_execution_are_apart(found: DeployedStack, capsys: pytest.CaptureFixture[str]) -> None:
    for what in ("intake", "execution"):
        assert pause.main(["pause", TENANT, what]) == 0
    assert pause.main(["resume", TENANT, "intake"]) == 0
    assert found.database.pauses.of(TENANT) == {Pausable.EXECUTION}
    assert found.database.pauses.of("other") == frozenset()
    assert capsys.readouterr().out.splitlines()[-1] == f"paused      of {TENANT}: execution"


def test_bulk_cancel_shows_first_and_cancels_when_confirmed(lane: Lane, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [lane.accept() for _ in range(3)]

    assert cancel_runs.main([TENANT]) == 0
    assert "would cancel 3 runs" in capsys.readouterr().out
    assert {lane.run(run).status for run in runs} == {RunStatus.CREATED}

    assert cancel_runs.main([TENANT, "--confirm"]) == 0
    assert "cancelled   3 of 3 runs" in capsys.readouterr().out
    assert {lane.run(run).status for run in runs} == {RunStatus.CANCELLED}
    lane.run_slice()
    lane.assert_settled(runs)


def test_bulk_cancel_is_narrowed_by_agent_and_age(lane: Lane) -> None:
    first = lane.accept()
    lane.use_agent()
    second = lane.accept()

    assert cancel_runs.main([TENANT, "--agent", lane.agent.id, "--confirm"]) == 0
    assert (lane.run(first).status, lane.run(second).status) == (RunStatus.CREATED, RunStatus.CANCELLED)
    far_back = (SystemClock().now() - first.created_at) + timedelta(hours=1)
    assert cancel_runs.main([TENANT, "--older-than", f"{int(far_back.total_seconds())}s", "--confirm"]) == 0
    assert lane.run(first).status is RunStatus.CREATED
    assert cancel_runs.main(["other", "--confirm"]) == 0
    assert lane.run(first).status is RunStatus.CREATED


@pytest.fixture
def failed_delivery(lane: Lane) -> str:
    """A callback that was given up after ten attempts; the id of its run."""
    now = SystemClock().now()
    run = ended_run(created_at=now)
    store_ended_run(lane.database, "https://example.com/hook", now, run)
    delivery = lane.database.deliveries.claim(TENANT, run.id, now)
    assert delivery is not None
    lane.database.deliveries.record(delivery, AttemptOutcome(500), Settled(DeliveryStatus.FAILED), now)
    return run.id


def test_replayed_callback_is_due_again_under_the_id_it_had(lane: Lane, failed_delivery: str) -> None:
    before = lane.database.deliveries.get(TENANT, failed_delivery)
    assert redeliver.main([TENANT, "--run", failed_delivery]) == 0

    after = lane.database.deliveries.get(TENANT, failed_delivery)
    assert before is not None
    assert after is not None
    assert (after.id, after.status, after.attempt, after.earlier_attempts) == (before.id, DeliveryStatus.PENDING, 0, 1)
    assert rings(lane, "CallbackQueue") == [failed_delivery]
    due = lane.database.deliveries.due(SystemClock().now() + timedelta(minutes=5), 10)
    assert [run_id for _, run_id, _ in due] == [failed_delivery]  # the sweeper stands behind the ring
    claimed = lane.database.deliveries.claim(TENANT, failed_delivery, SystemClock().now())
    assert claimed is not None
    assert (claimed.id, claimed.attempt) == (before.id, 1)


def test_callback_that_is_not_settled_is_not_replayed_and_says_what_to_do(
    lane: Lane, failed_delivery: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert redeliver.main([TENANT, "--run", failed_delivery]) == 0
    rings(lane, "CallbackQueue")
    capsys.readouterr()

    assert redeliver.main([TENANT, "--run", failed_delivery]) == 1
    pending = capsys.readouterr().out
    assert "attempt 1 of 10 comes by itself, due at 2" in pending
    assert "ops/runbook/CallbacksFailing.md" in pending
    assert redeliver.main(["other", "--run", failed_delivery]) == 1
    assert "make run-status" in capsys.readouterr().out
    assert rings(lane, "CallbackQueue") == []


def test_callbacks_of_some_time_are_counted_first_and_sent_when_confirmed(
    lane: Lane, failed_delivery: str, capsys: pytest.CaptureFixture[str]
) -> None:
    since = to_iso(SystemClock().now() - timedelta(hours=1))
    tomorrow = to_iso(SystemClock().now() + timedelta(days=1))

    assert redeliver.main([TENANT, "--since", since]) == 0
    assert "would send  1 callbacks" in capsys.readouterr().out
    assert redeliver.main([TENANT, "--since", tomorrow, "--until", tomorrow, "--confirm"]) == 0
    assert rings(lane, "CallbackQueue") == []

    assert redeliver.main([TENANT, "--since", since, "--confirm"]) == 0
    assert rings(lane, "CallbackQueue") == [failed_delivery]


def test_command_without_run_and_time_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert redeliver.main([TENANT]) == 1
    assert "RUN=" in capsys.readouterr().err
