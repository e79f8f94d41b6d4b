"""An operator pauses the intake or the execution of one tenant; what is paused is kept, and resumed at once."""

from datetime import timedelta
from typing import Any

import pytest

import authorizer
from intake.aws_failures import fail, throttled
from intake.deployment import Deployment
from intake.refusals import assert_refused, read_json
from nightshift.clock import SystemClock
from nightshift.storage.pauses import Pausable
from recent_pauses import RecentPauses
from support.clock import ManualClock
from support.scripted_model.server import ScriptedModel


@pytest.fixture(autouse=True)
def notices_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the authorizer look anew for every request."""
    monkeypatch.setattr(authorizer, "PAUSES_MAX_AGE", timedelta(0))
    authorizer._pauses.cache_clear()


def pause(deployment: Deployment, what: Pausable) -> None:
    deployment.database.pauses.begin(deployment.tenant, what, SystemClock().now())


def resume(deployment: Deployment, what: Pausable) -> None:
    deployment.database.pauses.end(deployment.tenant, what)


def sending_requests(agent_id: str, conversation_id: str) -> list[tuple[str, dict[str, Any]]]:
    message = {"messages": [{"role": "user", "content": "hello"}]}
    return [
        (f"/v1/agents/{agent_id}/messages/async", message),
        (f"/v1/agents/{agent_id}/messages", message),
        (f"/v1/agents/{agent_id}/messages/stream", message),
        (f"/v1/conversations/{conversation_id}/messages", message),
        (f"/v1/agents/{agent_id}/summarize", {}),
        (f"/v1/conversations/{conversation_id}/compact", {}),
    ]


def test_paused_intake_refuses_every_run_and_nothing_else(deployment: Deployment) -> None:
    agent_id = deployment.create_agent().id
    conversation_id = deployment.sdk().conversations.create(agent_id=agent_id).id
    earlier = deployment.post(agent_id)
    pause(deployment, Pausable.INTAKE)

    for path, body in sending_requests(agent_id, conversation_id):
        with deployment.tries_no_write():
            refused = deployment.http().post(path, json=body)
        assert_refused(refused, 503)
        assert refused.headers["retry-after"] == "60"
        assert "operator" in refused.json()["detail"]
    assert deployment.sdk().runs.retrieve(earlier.id).status == "created"
    deployment.create_agent()
    stranger = deployment.stranger
    assert stranger.post(stranger.create_agent().id).status == "created"

    resume(deployment, Pausable.INTAKE)
    assert deployment.post(agent_id).status == "created"


def test_runs_accepted_while_execution_is_paused_wait_and_are_executed_in_order(
    deployment: Deployment, provider: ScriptedModel
) -> None:
    agent_id = deployment.create_agent().id
    pause(deployment, Pausable.EXECUTION)
    runs = [deployment.post(agent_id, f"message {number}").id for number in range(2)]
    deployment.answer_doorbells()

    assert [deployment.sdk().runs.retrieve(run).status for run in runs] == ["created", "created"]
    assert provider.requests == []

    resume(deployment, Pausable.EXECUTION)
    deployment.ring(agent_id)
    deployment.answer_doorbells()

    assert [deployment.sdk().runs.retrieve(run).status for run in runs] == ["completed", "completed"]


def test_sweeper_leaves_paused_conversations_alone_for_a_while(deployment: Deployment) -> None:
    agent_id = deployment.create_agent().id
    pause(deployment, Pausable.EXECUTION)
    deployment.post(agent_id)
    assert deployment.is_due(agent_id)

    deployment.answer_doorbells()

    assert not deployment.is_due(agent_id)  # not within two minutes, so that other tenants' are not pushed out
    due = deployment.database.conversations.due(SystemClock().now() + timedelta(minutes=11), 1_000)
    assert agent_id in [found for _, found, _ in due]


def test_conversation_in_execution_is_not_postponed(deployment: Deployment) -> None:
    agent_id = deployment.create_agent().id
    deployment.post(agent_id)
    conversations, now = deployment.database.conversations, SystemClock().now()
    assert conversations.claim(deployment.tenant, agent_id, "lease-1", now, timedelta(seconds=60))

    conversations.postpone(deployment.tenant, agent_id, now, timedelta(minutes=10))

    assert deployment.is_due(agent_id)  # when its runner is dead, somebody looks within the lease's time


def test_other_tenants_are_executed_while_one_is_paused(deployment: Deployment, provider: ScriptedModel) -> None:
    stranger = deployment.stranger
    pause(deployment, Pausable.EXECUTION)
    run = stranger.post(stranger.create_agent().id)
    deployment.answer_doorbells()
    assert stranger.sdk().runs.retrieve(run.id).status == "completed"
    assert len(provider.requests) == 1


def test_pauses_are_read_once_in_their_time_and_kept_when_the_table_is_down(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    recent = RecentPauses(deployment.database.pauses, clock, timedelta(seconds=15))
    deployment.stack.calls.clear()
    assert [recent.of(deployment.tenant) for _ in range(3)] == [frozenset()] * 3
    assert len(deployment.stack.calls) == 1

    pause(deployment, Pausable.INTAKE)
    assert recent.of(deployment.tenant) == frozenset()
    clock.advance(15)
    assert recent.of(deployment.tenant) == {Pausable.INTAKE}

    clock.advance(15)
    fail(monkeypatch, "GetItem", always=throttled("GetItem"))
    assert recent.of(deployment.tenant) == {Pausable.INTAKE}


def test_health_and_reads_work_while_everything_is_paused(deployment: Deployment) -> None:
    for what in Pausable:
        pause(deployment, what)
    assert read_json(deployment.http().get("/v1/health"))["status"] == "ok"
    assert read_json(deployment.http().get("/v1/runs/")) == []
