"""Cancelling and resetting through the official SDK (letta_api_spec §3.13, §5.2)."""

from typing import Any

import pytest
from letta_client import ConflictError, NotFoundError

from intake.deployment import UNKNOWN_AGENT, UNKNOWN_RUN, Deployment
from intake.executed_runs import execute
from intake.refusals import assert_refused
from support.scripted_model.answers import Reply
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel


def test_answer_comes_at_once_while_the_model_thinks(deployment: Deployment, provider: ScriptedModel) -> None:
    client, run = deployment.sdk(), deployment.post(deployment.create_agent().id)
    seen: list[str | None] = []

    def rule(_seen: SeenRequest) -> Reply:
        assert client.agents.messages.cancel(run.agent_id, run_ids=[run.id]) == {run.id: "cancelled"}
        seen.append(client.runs.retrieve(run.id).status)
        return Reply("too late")

    provider.play(rule=rule)
    deployment.answer_doorbells()

    found = client.runs.retrieve(run.id)
    assert seen == ["cancelled"]
    assert (found.status, found.stop_reason) == ("cancelled", "cancelled")
    assert [message.message_type for message in client.runs.messages.list(run.id)] == ["user_message"]


def test_every_outcome_has_its_word(deployment: Deployment, provider: ScriptedModel) -> None:
    done = execute(deployment, provider, Reply("Done."))
    waiting = deployment.post(done.agent_id)
    foreign = deployment.post(deployment.create_agent().id)
    named = [done.id, waiting.id, foreign.id, UNKNOWN_RUN, "run-1", waiting.id]

    outcomes = deployment.sdk().agents.messages.cancel(done.agent_id, run_ids=named)

    assert outcomes == {
        done.id: "cancelled",
        waiting.id: "cancelled",
        foreign.id: "failed",
        UNKNOWN_RUN: "failed",
        "run-1": "failed",
    }
    statuses = [deployment.sdk().runs.retrieve(run.id).status for run in (done, waiting, foreign)]
    assert statuses == ["completed", "cancelled", "created"]


def test_nothing_to_cancel_is_a_conflict_that_is_not_repeated(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    with deployment.writes_nothing(), pytest.raises(ConflictError) as raised:
        deployment.sdk().agents.messages.cancel(agent.id)

    assert raised.value.body == {"detail": f"CONFLICT: No active runs to cancel for agent {agent.id}"}
    assert raised.value.response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    "body", [{"run_ids": "all"}, {"run_ids": [1]}, {"run_ids": ["x"] * 1_001}, [], {"run_ids": {}}]
)
def test_bad_bodies_are_refused(standing: Deployment, body: Any) -> None:
    with standing.tries_no_write():
        assert_refused(standing.http().post(f"/v1/agents/{UNKNOWN_AGENT}/messages/cancel", json=body), 422)


def test_strangers_and_unknown_agents_are_not_found(deployment: Deployment) -> None:
    run = deployment.post(deployment.create_agent().id)
    with deployment.writes_nothing():
        for client, agent_id in ((deployment.stranger.sdk(), run.agent_id), (deployment.sdk(), UNKNOWN_AGENT)):
            with pytest.raises(NotFoundError):
                client.agents.messages.cancel(agent_id)
            with pytest.raises(NotFoundError):
                client.agents.messages.cancel(agent_id, run_ids=[run.id])
            with pytest.raises(NotFoundError):
                client.agents.messages.reset(agent_id)


def test_reset_hides_what_was_said_from_clients_and_model(deployment: Deployment, provider: ScriptedModel) -> None:
    client, run = deployment.sdk(), execute(deployment, provider, Reply("Done."))
    (system, *_) = client.agents.messages.list(run.agent_id, order="asc").items

    assert client.agents.messages.reset(run.agent_id) is None

    assert [message.id for message in client.agents.messages.list(run.agent_id).items] == [system.id]
    provider.play([Reply("Anew.")])
    deployment.post(run.agent_id, "again")
    deployment.answer_doorbells()
    assert [turn.role for turn in provider.requests[-1].turns][-1:] == ["user"]
    assert provider.requests[-1].texts_of("user") == ["again"]
    for order in ("asc", "desc"):
        shown = [message.message_type for message in client.agents.messages.list(run.agent_id, order=order).items]
        assert shown == ["system_message", "user_message", "assistant_message"]
    assert len(client.runs.messages.list(run.id).items) == 2


def test_reset_is_refused_while_a_run_waits(deployment: Deployment) -> None:
    run = deployment.post(deployment.create_agent().id)
    with deployment.writes_nothing(), pytest.raises(ConflictError) as raised:
        deployment.sdk().agents.messages.reset(run.agent_id)
    assert raised.value.response.headers["x-should-retry"] == "false"
