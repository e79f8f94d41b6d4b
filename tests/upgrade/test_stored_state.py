"""What an older version stored, queued or started is read by this one, and every run in flight comes to its end."""

import json
from datetime import timedelta

import pytest

import stream_callbacks
from intake.deployment import Deployment, deploy, put_secret
from nightshift.clock import SystemClock
from nightshift.delivery.deliver import Deliverer
from nightshift.delivery.send import Sender
from nightshift.execution.long_run import LongRunState
from nightshift.execution.slice import SliceOutcome, SliceResult, SliceRunner
from nightshift.intake.submit import Submission
from nightshift.intake.wire.create_run import CreateRun, RunHeaders
from nightshift.outbound.url_guard import UrlGuard
from nightshift.storage import clients
from nightshift.storage.doorbells import Doorbell, Ring
from support.aws_tables import Stack
from support.lambda_context import FakeLambdaContext
from support.lane import FUNCTION_MS, LEASE, MEMORY_MB, TENANT
from upgrade.conftest import OldState
from upgrade.write_stored_state import IDEMPOTENCY_KEY, LARGE_TEXT

ENDS = {
    "finished": ["completed"],
    "announced once in vain": ["completed"],
    "failed": ["failed"],
    "cancelled": ["cancelled"],
    "waiting": ["completed"] * 3,
    "waiting in a conversation": ["completed"],
    "waiting under a key": ["completed"],
    "held by a dead runner": ["completed"],
    "between two slices": ["completed"] * 2,
    "asleep": ["completed"],
    "deleted": ["cancelled"],
}
SWEEPS = 3
LONGEST_SLEEP_SECONDS = 600


def test_every_run_comes_to_its_end(old: OldState) -> None:
    ring(old)
    for _ in range(SWEEPS):
        old.lane.clock.advance(LONGEST_SLEEP_SECONDS)
        for _, conversation_id, _ in old.lane.database.conversations.due(old.lane.clock.now(), 100):
            run_slice(old, conversation_id)

    ended = {name: [run.status.value for run in old.runs(name)] for name in old.content["situations"]}
    assert ended == ENDS
    assert old.lane.database.conversations.due(old.lane.clock.now() + timedelta(days=2), 100) == []
    for name in set(ENDS) - {"waiting in a conversation", "deleted"}:
        agent = old.lane.database.agents.get(TENANT, old.situation(name)["agent_id"])
        assert agent is not None
        old.lane.agent = agent
        old.lane.assert_settled(old.runs(name))


def test_run_goes_on_behind_what_the_older_version_wrote_of_it(old: OldState) -> None:
    (before, _), (agent_id, *_) = old.runs("between two slices"), old.situation("between two slices").values()
    written = [message.id for message in old.lane.database.messages.read(TENANT, agent_id, first=1, last=1_000)]
    old.lane.clock.advance(1)
    run_slice(old, agent_id)

    after = old.runs("between two slices")[0]
    read = list(old.lane.database.messages.read(TENANT, agent_id, first=1, last=1_000))
    assert [message.id for message in read][: len(written)] == written
    assert after.step_count == before.step_count + 1
    assert after.usage.total_tokens > before.usage.total_tokens > 0


def test_execution_that_the_older_version_started_goes_on(old: OldState) -> None:
    old.lane.clock.advance(LONGEST_SLEEP_SECONDS)
    states = [LongRunState.from_event(event) for event in old.content["execution_inputs"]]
    results = [run_slice(old, state.conversation_id) for state in states]

    assert [state.after(result)["outcome"] for state, result in zip(states, results, strict=True)] == ["finished"] * 2
    assert {run.status.value for name in ("between two slices", "asleep") for run in old.runs(name)} == {"completed"}


def test_pending_deliveries_are_announced_under_their_id(
    old: OldState, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    old.lane.clock.advance(301)
    monkeypatch.setenv("CALLBACK_QUEUE_URL", stack.values["CallbackQueue"])
    stream_callbacks._doorbell.cache_clear()
    answer = stream_callbacks.lambda_handler({"Records": old.content["stream_records"]}, FakeLambdaContext())
    stream_callbacks._doorbell.cache_clear()
    assert answer == {"batchItemFailures": []}
    bodies = [message["Body"] for message in stack.messages("CallbackQueue")]
    assert set(bodies) > set(old.content["callback_queue"]) != set()
    for body in bodies:
        deliverer(old, stack).answer(Ring.from_body(body), b"master")

    stored = {
        item["id"]["S"]: item["run_status"]["S"]
        for item in old.content["tables"]["RunsTable"]
        if item["sk"]["S"] == "run#delivery"
    }
    sent = {request.headers["webhook-id"]: json.loads(request.body)["status"] for request in old.receiver.requests}
    assert sent == stored
    assert len(old.receiver.requests) == len(stored)


def test_request_that_is_sent_again_after_the_deploy_is_the_same_run(old: OldState) -> None:
    submission = Submission(old.lane.database, old.lane.doorbell, old.lane.clock)
    situation = old.situation("waiting under a key")
    again = submission.submit(
        TENANT,
        situation["agent_id"],
        CreateRun.model_validate({"input": "once only"}),
        "correlation",
        headers=RunHeaders(idempotency_key=IDEMPOTENCY_KEY),
    )
    assert [again.id] == situation["run_ids"]


def test_request_in_the_bucket_is_read(old: OldState) -> None:
    run = old.runs("waiting")[1]
    request = old.lane.database.runs.get_request(run)
    assert request.inputs[0].text == LARGE_TEXT
    assert (run.max_steps, run.display.include_return_message_types) == (7, ("assistant_message",))


def test_api_shows_what_the_older_version_stored(old: OldState, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(stack, monkeypatch)
    deployment = Deployment(stack, TENANT)
    put_secret(stack, "ApiKeysSecret", {TENANT: deployment.token})
    letta, situation = deployment.sdk(), old.situation("finished")
    (run_id,) = situation["run_ids"]

    agent = letta.agents.retrieve(situation["agent_id"], include=["agent.blocks", "agent.tools"])
    assert [(block.label, block.value) for block in agent.memory.blocks] == [("human", "Likes brevity.")]
    assert "ping" in [tool.name for tool in letta.agents.tools.list(agent.id)]
    run = letta.runs.retrieve(run_id)
    assert (run.status, run.stop_reason) == ("completed", "end_turn")
    shown = [message.message_type for message in letta.runs.messages.list(run_id)]
    assert shown == ["user_message", "reasoning_message", "assistant_message"]
    assert [step.status for step in letta.runs.steps.list(run_id)] == ["success"]
    listed = {run.id for run in letta.runs.list(limit=100)}
    assert listed >= {run_id for one in old.content["situations"].values() for run_id in one["run_ids"]}


def ring(old: OldState) -> None:
    """Answer the doorbells that the older version left in the queue."""
    old.lane.clock.advance(1)
    for body in old.content["run_queue"]:
        ring = Ring.from_body(body)
        assert ring.tenant == TENANT
        run_slice(old, ring.subject)


def run_slice(old: OldState, conversation_id: str) -> SliceResult:
    lane = old.lane
    runner = SliceRunner(lane.database, lane.models, lane.clock, timedelta(seconds=120), LEASE, MEMORY_MB, lane.sandbox)
    result = runner.run(TENANT, conversation_id, FUNCTION_MS)
    assert result.outcome in {SliceOutcome.FINISHED, SliceOutcome.LOST}
    return result


def deliverer(old: OldState, stack: Stack) -> Deliverer:
    database, doorbell = old.lane.database, Doorbell(clients.sqs(), stack.values["CallbackQueue"])
    sender = Sender(SystemClock(), UrlGuard(allow_private=True), timeout_seconds=5)
    return Deliverer(old.lane.clock, database.runs, database.messages, database.deliveries, doorbell, sender)
