"""RunQueue's batches: one doorbell that can't be answered comes again alone, the others are done."""

import json
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

import queue_runner
from nightshift.storage.doorbells import Ring
from support.events import load_event, queue_event
from support.lambda_context import FakeLambdaContext
from support.lane import FUNCTION_MS, TENANT, Lane
from support.scripted_model.rules import echo_history
from support.scripted_model.server import ScriptedModel

DOORBELLS = 10


@pytest.fixture
def lanes(lane: Lane, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ten agents with a run each, and the function deployed for them."""
    for name, value in lane.stack.environment("QueueRunnerFunction").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    queue_runner._settings.cache_clear()
    queue_runner._slices.cache_clear()
    provider.play(rule=echo_history)
    agent_ids = []
    for _ in range(DOORBELLS):
        lane.agent = lane.create_agent()
        lane.accept()
        agent_ids.append(lane.agent.id)
    return agent_ids


def test_claim_that_is_throttled_fails_its_own_doorbell_alone(
    lane: Lane, lanes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    unlucky = 3
    make_api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's stubs leave it out

    def make_call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "UpdateItem" and lanes[unlucky] in json.dumps(parameters):
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, operation)
        return make_api_call(client, operation, parameters)

    with monkeypatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", make_call)
        assert handle(lanes) == {"batchItemFailures": [{"itemIdentifier": f"message-{unlucky}"}]}
    assert [agent_id for agent_id in lanes if waits(lane, agent_id)] == [lanes[unlucky]]

    assert handle([lanes[unlucky]]) == {"batchItemFailures": []}
    assert not any(waits(lane, agent_id) for agent_id in lanes)


def test_body_that_is_no_doorbell_is_reported_and_the_others_are_answered(lane: Lane, lanes: list[str]) -> None:
    bodies = [Ring(TENANT, agent_id).to_body() for agent_id in lanes]
    bodies[0] = "no doorbell"

    assert handle_bodies(bodies) == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert [agent_id for agent_id in lanes if waits(lane, agent_id)] == [lanes[0]]


def handle(agent_ids: list[str]) -> dict[str, Any]:
    return handle_bodies([Ring(TENANT, agent_id).to_body() for agent_id in agent_ids])


def handle_bodies(bodies: list[str]) -> dict[str, Any]:
    event = queue_event(load_event("queue_delivery/due_delivery.json"), bodies)
    answer: dict[str, Any] = queue_runner.lambda_handler(event, FakeLambdaContext(remaining_ms=FUNCTION_MS))
    return answer


def waits(lane: Lane, agent_id: str) -> bool:
    conversation = lane.database.conversations.get(TENANT, agent_id)
    assert conversation is not None
    return bool(conversation.waiting)
