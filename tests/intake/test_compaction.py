"""Compacting on request: POST /v1/agents/{id}/summarize and POST /v1/conversations/{id}/compact (§3.9, §5.2)."""

from typing import Any

import pytest
from letta_client import BadRequestError

from intake.deployment import UNKNOWN_AGENT, Deployment
from intake.refusals import assert_refused
from intake.waiting_runner import runner_at_work
from nightshift.domain.compaction import NOTHING_TO_COMPACT
from nightshift.intake import wait
from support.compactions import is_asked_for_summary
from support.scripted_model.answers import Answer, Call, ErrorReply, Reply
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

UNKNOWN_CONVERSATION = "conv-0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b"


def _sum_up(seen: SeenRequest) -> Reply:
    return Reply("They talked." if is_asked_for_summary(seen) else "An answer.")


def _talk(deployment: Deployment, provider: ScriptedModel, turns: int = 3, **fields: Any) -> str:
    """Make an agent with which as many turns were had."""
    provider.play(rule=_sum_up)
    agent = deployment.create_agent(**fields)
    for _ in range(turns):
        deployment.post(agent.id)
    deployment.answer_doorbells()
    return agent.id


def test_answer_tells_the_summary_and_the_numbers(deployment: Deployment, provider: ScriptedModel) -> None:
    agent_id = _talk(deployment, provider)
    with runner_at_work(deployment):
        answer = deployment.sdk().agents.messages.compact(agent_id, compaction_settings={"mode": "all"})

    assert (answer.summary, answer.num_messages_before, answer.num_messages_after) == ("They talked.", 7, 2)
    newest = deployment.sdk().runs.list(agent_id=agent_id, limit=1).items[0]
    assert newest.metadata is not None
    assert (newest.metadata["run_type"], newest.status, newest.stop_reason) == (
        "compact_messages",
        "completed",
        "end_turn",
    )


def test_conversation_is_compacted_apart_from_its_agent(deployment: Deployment, provider: ScriptedModel) -> None:
    agent_id = _talk(deployment, provider)
    conversation = deployment.sdk().conversations.create(agent_id=agent_id)
    deployment.post_to(conversation.id, "one")
    deployment.post_to(conversation.id, "two")
    deployment.answer_doorbells()
    with runner_at_work(deployment):
        answer = deployment.sdk().conversations.messages.compact(conversation.id)
        default = deployment.sdk().conversations.messages.compact("default", agent_id=agent_id)

    assert (answer.num_messages_before, answer.num_messages_after) == (5, 3)
    assert (default.num_messages_before, default.num_messages_after) == (7, 5)
    in_context = deployment.sdk().conversations.retrieve(conversation.id).in_context_message_ids
    assert in_context is not None
    assert len(in_context) == 3


def test_fork_begins_with_the_summary(deployment: Deployment, provider: ScriptedModel) -> None:
    agent_id = _talk(deployment, provider)
    with runner_at_work(deployment):
        deployment.sdk().agents.messages.compact(agent_id)
    fork = deployment.sdk().conversations.fork("default", agent_id=agent_id)
    deployment.post_to(fork.id, "and now?")
    deployment.answer_doorbells()

    roles = [turn.role for turn in provider.requests[-1].turns]
    assert roles == ["system", "user", "assistant", "user", "assistant", "user"]
    assert "They talked." in provider.requests[-1].turns[1].text
    assert provider.requests[-1].turns[-1].text == "and now?"


@pytest.mark.parametrize("turns", [0, 1])
def test_nothing_reduced_is_refused(turns: int, deployment: Deployment, provider: ScriptedModel) -> None:
    agent_id = _talk(deployment, provider, turns)
    if turns:
        with runner_at_work(deployment):
            deployment.sdk().agents.messages.compact(agent_id)
    with runner_at_work(deployment), pytest.raises(BadRequestError) as raised:
        deployment.sdk().agents.messages.compact(agent_id)

    assert raised.value.body == {"detail": NOTHING_TO_COMPACT}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"/v1/agents/{UNKNOWN_AGENT}/summarize", {}, 404),
        ("/v1/agents/agent-1/summarize", {}, 422),
        (f"/v1/conversations/{UNKNOWN_CONVERSATION}/compact", {}, 404),
        ("/v1/conversations/conv-1/compact", {}, 422),
        ("/v1/conversations/default/compact", {}, 400),
        ("/v1/conversations/default/compact", {"agent_id": UNKNOWN_AGENT}, 404),
        (f"/v1/agents/{UNKNOWN_AGENT}/summarize", {"compaction_settings": {"mode": "shred"}}, 422),
        (f"/v1/agents/{UNKNOWN_AGENT}/summarize", {"compaction_settings": {"sliding_window_percentage": 2}}, 422),
        (f"/v1/agents/{UNKNOWN_AGENT}/summarize", [], 422),
    ],
)
def test_bad_request_is_refused(path: str, body: Any, status: int, standing: Deployment) -> None:
    assert_refused(standing.http().post(path, json=body), status)


def test_strangers_agent_is_unknown(deployment: Deployment, provider: ScriptedModel) -> None:
    agent_id = _talk(deployment, provider, turns=0)
    assert_refused(deployment.stranger.http().post(f"/v1/agents/{agent_id}/summarize", json={}), 404)


def test_compaction_that_takes_too_long_is_named_and_goes_on(
    deployment: Deployment, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent_id = _talk(deployment, provider)
    monkeypatch.setattr(wait.Waiting.__init__, "__defaults__", (0.2,))
    answer = deployment.http().post(f"/v1/agents/{agent_id}/summarize", json={})
    deployment.answer_doorbells()

    assert answer.status_code == 504
    assert answer.headers["x-should-retry"] == "false"
    assert deployment.sdk().runs.retrieve(answer.json()["detail"]["run_id"]).status == "completed"


def test_failure_of_the_provider_is_the_answer(deployment: Deployment, provider: ScriptedModel) -> None:
    agent_id = _talk(deployment, provider)

    def refuse(_seen: SeenRequest) -> Answer:
        return ErrorReply(402, "no money")

    provider.play(rule=refuse)
    with runner_at_work(deployment):
        answer = deployment.http().post(f"/v1/agents/{agent_id}/summarize", json={})

    assert answer.status_code == 402
    assert answer.json()["error"]["type"] == "llm_insufficient_credits"


def test_one_key_compacts_once(deployment: Deployment, provider: ScriptedModel) -> None:
    agent_id = _talk(deployment, provider)
    with runner_at_work(deployment):
        answers = [
            deployment.http().post(f"/v1/agents/{agent_id}/summarize", json={}, headers={"Idempotency-Key": "once"})
            for _ in range(2)
        ]

    assert answers[0].status_code == 200
    assert answers[0].json() == answers[1].json()
    assert len([seen for seen in provider.requests if is_asked_for_summary(seen)]) == 1


def test_call_that_waits_for_its_client_comes_first(deployment: Deployment, provider: ScriptedModel) -> None:
    agent_id = _talk(deployment, provider)
    provider.play([Reply(tool_calls=(Call("look_up"),))])
    deployment.post(agent_id, client_tools=[{"name": "look_up"}])
    deployment.answer_doorbells()
    with runner_at_work(deployment):
        answer = deployment.http().post(f"/v1/agents/{agent_id}/summarize", json={})

    assert_refused(answer, 409)
    assert answer.headers["x-should-retry"] == "false"
