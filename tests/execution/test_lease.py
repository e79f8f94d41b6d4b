"""Two runners on one conversation: only the holder writes (promises 3 to 5).

Where two must meet at a certain point, the second one runs inside the first one's model call.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from nightshift.domain.conversation import Lease
from nightshift.domain.errors import LeaseLostError
from nightshift.domain.run_status import RunStatus
from nightshift.execution.heartbeat import Heartbeat
from nightshift.execution.slice import SliceOutcome, SliceResult
from nightshift.storage.dynamo import Update
from support.clock import ManualClock
from support.lane import LEASE, TENANT, Lane
from support.scripted_model.answers import Reply
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel


def _claim(lane: Lane, holder: str) -> Lease | None:
    conversation = lane.database.conversations.claim(TENANT, lane.agent.id, holder, lane.clock.now(), LEASE)
    if conversation is None:
        return None
    return Lease(TENANT, lane.agent.id, holder, conversation.fencing_token)


def test_leased_conversation_is_not_claimed_by_second_runner(lane: Lane) -> None:
    lane.accept()

    assert _claim(lane, "lease-first") is not None
    assert _claim(lane, "lease-second") is None


def test_expired_lease_is_claimed_by_second_runner_with_a_higher_token(lane: Lane) -> None:
    lane.accept()
    first = _claim(lane, "lease-first")
    lane.clock.advance(LEASE.total_seconds() + 1)
    second = _claim(lane, "lease-second")

    assert first is not None
    assert second is not None
    assert second.fencing_token > first.fencing_token


def test_claim_whose_answer_was_lost_is_recognised_as_ones_own(lane: Lane) -> None:
    lane.accept()
    first = _claim(lane, "lease-first")

    assert _claim(lane, "lease-first") == first


def test_runner_that_lost_its_lease_writes_nothing_and_leaves_quietly(lane: Lane, provider: ScriptedModel) -> None:
    run = lane.accept()
    second: list[SliceResult] = []

    def outlive_the_lease(_seen: SeenRequest) -> Reply:
        if second:
            return Reply("from the second runner")
        second.append(SliceResult(SliceOutcome.LOST))
        lane.clock.advance(LEASE.total_seconds() + 1)
        second.append(lane.run_slice())
        return Reply("from the first runner, too late")

    provider.play(rule=outlive_the_lease)

    assert lane.run_slice().outcome is SliceOutcome.LOST

    assert second[1].outcome is SliceOutcome.FINISHED
    assert lane.texts() == ["user: hello", "assistant: from the second runner"]
    assert lane.run(run).step_count == 1
    lane.assert_settled([run])


def test_late_runner_cannot_take_a_run_back_from_a_newer_one(lane: Lane, provider: ScriptedModel) -> None:
    """The first runner stalls between its claim and its first write to the run."""
    run = lane.accept()
    provider.play([Reply("answered once")])
    first = _claim(lane, "lease-first")
    assert first is not None
    lane.clock.advance(LEASE.total_seconds() + 1)
    lane.run_slice()

    stale = lane.database.conversations
    with pytest.raises(LeaseLostError):
        stale.renew(first, lane.clock.now(), LEASE)
    with pytest.raises(LeaseLostError):
        stale.release(first)
    with pytest.raises(LeaseLostError):
        stale.hand_over(first, lane.clock.now())
    lane.assert_settled([run])


def test_heartbeat_that_comes_after_the_release_leaves_nothing_due(lane: Lane) -> None:
    """It was on its way when the runner gave the lease back, and its token is the newest one still."""
    run = lane.accept()
    lane.run_slice()
    late = Lease(TENANT, lane.agent.id, "lease-late", lane.conversation.fencing_token)

    with pytest.raises(LeaseLostError):
        lane.database.conversations.renew(late, lane.clock.now(), LEASE)

    lane.assert_settled([run])


def test_run_accepted_just_before_the_release_is_executed_by_the_same_runner(
    lane: Lane, provider: ScriptedModel
) -> None:
    runs = [lane.accept("first")]

    def accept_while_thinking(seen: SeenRequest) -> Reply:
        if len(runs) == 1:
            runs.append(lane.accept("second"))
        return Reply(f"answer to {seen.texts_of('user')[-1]}")

    provider.play(rule=accept_while_thinking)

    assert lane.run_slice().outcome is SliceOutcome.FINISHED

    assert lane.texts()[-1] == "assistant: answer to second"
    lane.assert_settled(runs)


def test_release_finds_the_run_that_was_accepted_after_the_last_look(lane: Lane) -> None:
    lane.accept("first")
    lease = _claim(lane, "lease-runner")
    assert lease is not None

    found = lane.database.conversations.release(lease)

    assert found is not None
    assert len(found.waiting) == 1
    assert lane.conversation.lease_holder == "lease-runner"


def test_doorbell_that_finds_the_lease_taken_loses_nothing(lane: Lane, provider: ScriptedModel) -> None:
    """The second POST's doorbell is answered while the first run executes, and is acknowledged for nothing."""
    runs = [lane.accept("first")]
    outcomes: list[SliceOutcome] = []

    def ring_while_thinking(_seen: SeenRequest) -> Reply:
        if len(runs) == 1:
            runs.append(lane.accept("second"))
            outcomes.append(lane.run_slice().outcome)
        return Reply("ok")

    provider.play(rule=ring_while_thinking)
    lane.run_slice()

    assert outcomes == [SliceOutcome.LOST]
    assert [lane.run(run).status for run in runs] == [RunStatus.COMPLETED] * 2
    lane.assert_settled(runs)


def test_lost_doorbell_is_rung_by_the_due_index_after_its_grace(lane: Lane) -> None:
    run = lane.accept()
    conversations = lane.database.conversations

    assert conversations.due(lane.clock.now(), 10) == []
    assert [result.outcome for result in lane.sweep()] == [SliceOutcome.FINISHED]
    lane.assert_settled([run])


def test_heartbeat_keeps_the_lease_while_the_model_thinks(lane: Lane) -> None:
    lane.accept()
    duration = timedelta(seconds=0.3)
    lease = _claim(lane, "lease-runner")
    assert lease is not None
    before = lane.conversation.lease_expires_at
    lane.clock.advance(30)

    with Heartbeat(lane.database.conversations, lease, lane.clock, duration) as heartbeat:
        _wait_until(lambda: lane.conversation.lease_expires_at != before)
        heartbeat.check()

    assert lane.conversation.lease_expires_at == lane.clock.now() + duration


def test_heartbeat_notices_that_the_lease_is_lost(lane: Lane) -> None:
    lane.accept()
    lease = _claim(lane, "lease-first")
    assert lease is not None
    lane.clock.advance(LEASE.total_seconds() + 1)
    _claim(lane, "lease-second")

    with Heartbeat(lane.database.conversations, lease, lane.clock, timedelta(seconds=0.06)) as heartbeat:
        _wait_until(lambda: _is_lost(heartbeat))


def test_heartbeat_notices_that_the_agent_is_deleted(lane: Lane) -> None:
    lane.accept()
    lease = _claim(lane, "lease-runner")
    assert lease is not None
    lane.delete_agent()

    with Heartbeat(lane.database.conversations, lease, lane.clock, timedelta(seconds=0.06)) as heartbeat:
        _wait_until(lambda: heartbeat.saw_deletion)


def test_agent_deleted_in_mid_run_cancels_it_at_the_next_step(lane: Lane, provider: ScriptedModel) -> None:
    run = lane.accept()

    def delete_while_thinking(_seen: SeenRequest) -> Reply:
        if lane.conversation.is_deleted:
            return Reply("still here")
        lane.delete_agent()
        return Reply("last words")

    provider.play(rule=delete_while_thinking)
    lane.run_slice()

    assert lane.run(run).status.is_terminal
    assert lane.log == []
    assert lane.database.conversations.get(TENANT, lane.agent.id) is None


def test_clocks_that_differ_by_seconds_let_no_two_runners_write(lane: Lane, provider: ScriptedModel) -> None:
    """A second runner whose clock is ahead claims a lease that the first one believes to hold."""
    run = lane.accept()
    ahead = ManualClock(lane.clock.now() + LEASE + timedelta(seconds=5))
    claimed: list[object] = []

    def claim_with_a_fast_clock(_seen: SeenRequest) -> Reply:
        claimed.append(lane.database.conversations.claim(TENANT, lane.agent.id, "lease-fast", ahead.now(), LEASE))
        return Reply("too late")

    provider.play(rule=claim_with_a_fast_clock)

    assert lane.run_slice().outcome is SliceOutcome.LOST
    assert claimed[0] is not None
    assert lane.texts() == ["user: hello"]
    assert lane.run(run).status is RunStatus.RUNNING


def test_due_time_is_not_moved_by_a_second_acceptance(lane: Lane) -> None:
    lane.accept("first")
    write = lane.database.conversations.enqueue(TENANT, lane.agent.id, "run-x", lane.clock.now() + timedelta(hours=1))

    assert isinstance(write, Update)
    lane.database.transact([write])

    in_two_minutes = lane.clock.now() + timedelta(seconds=120)
    (found,) = lane.database.conversations.due(in_two_minutes, 10)
    assert found[2] < in_two_minutes.timestamp()


def _is_lost(heartbeat: Heartbeat) -> bool:
    try:
        heartbeat.check()
    except LeaseLostError:
        return True
    return False


def _wait_until(condition: Callable[[], bool], seconds: float = 5) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends_at, "nothing happened in time"
        time.sleep(0.01)
