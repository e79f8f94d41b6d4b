"""Conversations through the official SDK: lanes of their own with a memory of their own (letta_api_spec §5.2)."""

import json
from typing import Any

import pytest
from letta_client import BadRequestError, ConflictError, NotFoundError, UnprocessableEntityError
from letta_client.types import OpenAIModelSettingsParam

from intake.deployment import UNKNOWN_AGENT, UNKNOWN_MESSAGE, Deployment
from intake.refusals import assert_refused, read_json
from intake.waiting_runner import runner_at_work
from nightshift.intake import conversations
from support.scripted_model.answers import Call, Reply
from support.scripted_model.rules import echo_history
from support.scripted_model.server import ScriptedModel

UNKNOWN_CONVERSATION = "conv-0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b"


def say(deployment: Deployment, conversation_id: str, text: str, **fields: Any) -> list[Any]:
    """Send one message with the SDK and read the stream to its end."""
    with runner_at_work(deployment):
        stream = deployment.sdk().conversations.messages.create(conversation_id, input=text, **fields)
        return list(stream)


def texts(deployment: Deployment, conversation_id: str, **fields: Any) -> list[str]:
    """Return what users said in a conversation, oldest first."""
    found = deployment.sdk().conversations.messages.list(conversation_id, order="asc", **fields).items
    return [message.content for message in found if message.message_type == "user_message"]  # type: ignore[misc]  # one kind of a union, as the test sees to


def test_every_field_is_kept_changed_and_emptied(standing: Deployment) -> None:
    client, agent = standing.sdk(), standing.create_agent()
    made = client.conversations.create(
        agent_id=agent.id, summary="about birds", description="d", model="openai/other", context_window_limit=9_000
    )

    assert (made.agent_id, made.summary, made.model, made.context_window_limit) == (
        agent.id,
        "about birds",
        "openai/other",
        9_000,
    )
    assert made.archived is False
    assert len(made.in_context_message_ids or []) == 1
    assert client.conversations.retrieve(made.id) == made
    changed = client.conversations.update(made.id, summary="about fish", archived=True, model=None)
    assert (changed.summary, changed.model, changed.archived, changed.description) == ("about fish", None, True, "d")
    assert changed.archived_at is not None
    assert client.conversations.update(made.id, archived=False).archived_at is None


def test_list_is_by_creation_with_cursor_archive_and_search(standing: Deployment) -> None:
    client, agent = standing.sdk(), standing.create_agent()
    made = [client.conversations.create(agent_id=agent.id, summary=f"Number {n}").id for n in range(4)]
    client.conversations.create(agent_id=agent.id, hidden=True)
    client.conversations.update(made[3], archived=True)

    def listed(**query: Any) -> list[str]:
        return [one.id for one in client.conversations.list(agent_id=agent.id, **query)]

    assert listed() == made[2::-1]
    assert listed(order="asc", limit=2) == made[:2]
    assert listed(order="asc", limit=2, after=made[1]) == [made[2]]
    assert listed(archive_status="archived") == [made[3]]
    assert listed(archive_status="all", order="asc") == made
    assert listed(summary_search="number 1") == [made[1]]
    assert client.conversations.list(agent_id=standing.create_agent().id) == []


def test_conversation_is_a_lane_of_its_own(deployment: Deployment, provider: ScriptedModel) -> None:
    client, agent = deployment.sdk(), deployment.create_agent()
    one, other = (client.conversations.create(agent_id=agent.id).id for _ in range(2))
    deployment.post(agent.id, "to the agent")

    events = say(deployment, one, "to the first")
    say(deployment, other, "to the second")
    say(deployment, one, "again")

    assert [event.message_type for event in events] == ["assistant_message", "stop_reason", "usage_statistics"]
    assert texts(deployment, one) == ["to the first", "again"]
    assert texts(deployment, other) == ["to the second"]
    assert texts(deployment, agent.id) == texts(deployment, "default", agent_id=agent.id) == ["to the agent"]
    runs = client.runs.list(conversation_id=one).items
    assert [run.conversation_id for run in runs] == [one, one]
    assert [run.conversation_id for run in client.runs.list(conversation_id="default").items] == [None]
    assert client.conversations.retrieve(one).last_message_at is not None
    assert len(client.agents.messages.list(agent.id, conversation_id=one).items) == 5


def test_answer_without_streaming_is_a_letta_response(deployment: Deployment, provider: ScriptedModel) -> None:
    agent = deployment.create_agent()
    conversation = deployment.sdk().conversations.create(agent_id=agent.id)
    with runner_at_work(deployment):
        response = deployment.http().post(
            f"/v1/conversations/{conversation.id}/messages", json={"input": "a", "streaming": False}
        )

    assert read_json(response)["stop_reason"]["stop_reason"] == "end_turn"
    assert len(provider.requests) == 1


@pytest.mark.parametrize("by", ["default", "agent"])
def test_agents_own_conversation_is_served_under_both_names(
    deployment: Deployment, provider: ScriptedModel, by: str
) -> None:
    agent = deployment.create_agent()
    beside: dict[str, Any] = {"agent_id": agent.id} if by == "default" else {}
    path = "default" if by == "default" else agent.id

    say(deployment, path, "hello", **beside)

    (run,) = deployment.sdk().runs.list(agent_id=agent.id).items
    assert run.conversation_id is None
    assert len(provider.requests) == 1
    forked = deployment.sdk().conversations.fork(path, **beside)
    assert texts(deployment, forked.id) == ["hello"]


def test_own_model_is_used_in_this_conversation_alone(deployment: Deployment, provider: ScriptedModel) -> None:
    agent = deployment.create_agent()
    conversation = deployment.sdk().conversations.create(agent_id=agent.id, model="openai/other")

    say(deployment, conversation.id, "a")
    say(deployment, agent.id, "a")

    assert [request.model for request in provider.requests] == ["other", "scripted"]


def test_own_settings_of_the_model_are_used_in_this_conversation_alone(
    deployment: Deployment, provider: ScriptedModel
) -> None:
    agent = deployment.create_agent(model_settings={"provider_type": "openai", "temperature": 0.1})
    settings: OpenAIModelSettingsParam = {"provider_type": "openai", "temperature": 0.9, "max_output_tokens": 77}
    conversation = deployment.sdk().conversations.create(agent_id=agent.id, model_settings=settings)
    assert conversation.api_model_settings is not None
    assert conversation.api_model_settings.to_dict(exclude_unset=True) == settings

    say(deployment, conversation.id, "a")
    say(deployment, agent.id, "a")

    asked = [(request.body["temperature"], request.body.get("max_tokens")) for request in provider.requests]
    assert asked == [(0.9, 77), (0.1, None)]


def test_messages_are_listed_newest_first_with_cursors_in_time(deployment: Deployment, provider: ScriptedModel) -> None:
    agent = deployment.create_agent()
    conversation = deployment.sdk().conversations.create(agent_id=agent.id)
    for text in ("a", "b"):
        say(deployment, conversation.id, text)

    def ids(**query: Any) -> list[str]:
        return [one.id for one in deployment.sdk().conversations.messages.list(conversation.id, **query).items]

    oldest_first = ids(order="asc")
    assert len(oldest_first) == 5
    assert ids() == oldest_first[::-1]
    assert ids(limit=2) == oldest_first[:-3:-1]
    assert ids(after=oldest_first[1], order="asc") == oldest_first[2:]
    assert ids(after=oldest_first[1]) == oldest_first[:1:-1]
    assert ids(before=oldest_first[2]) == oldest_first[1::-1]
    assert ids(before=oldest_first[3], limit=1, order="asc") == [oldest_first[2]]
    assert len(provider.requests) == 2


def test_fork_takes_along_what_was_said_up_to_a_message(deployment: Deployment, provider: ScriptedModel) -> None:
    client, agent = deployment.sdk(), deployment.create_agent()
    source = client.conversations.create(agent_id=agent.id, summary="s")
    say(deployment, source.id, "first " + "x" * 70_000)
    middle = client.conversations.messages.list(source.id, limit=1).items[0].id
    say(deployment, source.id, "second")

    whole, part = client.conversations.fork(source.id), client.conversations.fork(source.id, message_id=middle)
    client.conversations.delete(source.id)
    deployment.answer_doorbells()
    say(deployment, part.id, "third")

    assert whole.summary == "s"
    assert [text[:6] for text in texts(deployment, whole.id)] == ["first ", "second"]
    assert [text[:6] for text in texts(deployment, part.id)] == ["first ", "third"]
    assert [text[:6] for text in provider.requests[-1].texts_of("user")] == ["first ", "third"]
    with pytest.raises(NotFoundError):
        client.conversations.fork(whole.id, message_id=UNKNOWN_MESSAGE)


def test_fork_is_bounded_and_takes_no_call_without_its_return(
    deployment: Deployment, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, agent = deployment.sdk(), deployment.create_agent()
    monkeypatch.setattr(conversations, "MAX_FORKED_MESSAGES", 3)
    provider.play([Reply(tool_calls=(Call("look_up", id="call_1"),)), Reply("done")])
    say(deployment, agent.id, "hello")
    messages = client.conversations.messages.list(agent.id, order="asc").items

    whole = client.conversations.fork(agent.id)
    cut = client.conversations.fork(agent.id, message_id=messages[2].id)

    def kinds(conversation_id: str) -> list[str]:
        found = client.conversations.messages.list(conversation_id, order="asc").items
        return [str(message.message_type) for message in found]

    assert kinds(whole.id) == ["system_message", "tool_call_message", "tool_return_message", "assistant_message"]
    assert kinds(cut.id) == ["system_message", "user_message"]


def test_recompile_shows_the_prompt_and_keeps_it_unless_told_not_to(standing: Deployment) -> None:
    client, agent = standing.sdk(), standing.create_agent()
    conversation = client.conversations.create(agent_id=agent.id)
    (before,) = client.conversations.messages.list(conversation.id).items

    shown = client.conversations.recompile(conversation.id, dry_run=True)
    assert "Be brief." in shown
    assert client.conversations.messages.list(conversation.id).items == [before]
    kept = json.loads(client.conversations.recompile(conversation.id))
    (after,) = client.conversations.messages.list(conversation.id).items
    assert (after.id, after.content) == (before.id, kept)  # type: ignore[union-attr]  # one kind of a union, as the test sees to
    assert conversation.id in kept


def test_deleted_conversation_cancels_its_runs_and_takes_its_messages(
    deployment: Deployment, provider: ScriptedModel
) -> None:
    client, agent = deployment.sdk(), deployment.create_agent()
    conversation = client.conversations.create(agent_id=agent.id)
    say(deployment, conversation.id, "x" * 70_000)
    run = deployment.post_to(conversation.id, "waits")

    client.conversations.delete(conversation.id)
    with pytest.raises(NotFoundError):
        client.conversations.retrieve(conversation.id)
    deployment.answer_doorbells()

    assert client.runs.retrieve(run).status == "cancelled"
    assert client.agents.retrieve(agent.id).id == agent.id
    assert [item["pk"]["S"] for item in deployment.items("ConversationsTable")] == [f"{deployment.tenant}#{agent.id}"]
    assert not [item for item in deployment.items("MessagesTable") if conversation.id in item["pk"]["S"]]
    assert len(provider.requests) == 1


def test_deleted_agent_takes_its_conversations_along(deployment: Deployment, provider: ScriptedModel) -> None:
    client, agent = deployment.sdk(), deployment.create_agent()
    conversation = client.conversations.create(agent_id=agent.id)
    say(deployment, conversation.id, "hello")
    run = deployment.post_to(conversation.id, "waits")
    deployment.stack.messages("RunQueue")

    client.agents.delete(agent.id)
    with pytest.raises(NotFoundError):
        client.conversations.retrieve(conversation.id)
    deployment.answer_doorbells()
    assert deployment.is_due(conversation.id)
    deployment.ring(conversation.id)
    deployment.answer_doorbells()

    assert client.runs.retrieve(run).status == "cancelled"
    for table in ("AgentsTable", "ConversationsTable", "MessagesTable"):
        assert deployment.items(table) == []
    assert len(provider.requests) == 1


def test_cancel_ends_the_conversations_runs_alone(deployment: Deployment, provider: ScriptedModel) -> None:
    client, agent = deployment.sdk(), deployment.create_agent()
    conversation = client.conversations.create(agent_id=agent.id)
    there, elsewhere = deployment.post_to(conversation.id, "a"), deployment.post(agent.id).id

    assert client.conversations.cancel(conversation.id) == {there: "cancelled"}
    deployment.answer_doorbells()

    assert client.runs.retrieve(elsewhere).status == "completed"
    with pytest.raises(ConflictError):
        client.conversations.cancel(conversation.id)
    second = deployment.post_to(conversation.id, "a")
    assert client.agents.messages.cancel(agent.id) == {second: "cancelled"}
    assert len(provider.requests) == 1


def test_stream_follows_the_newest_run_or_the_one_named(deployment: Deployment, provider: ScriptedModel) -> None:
    client, agent = deployment.sdk(), deployment.create_agent()
    conversation = client.conversations.create(agent_id=agent.id)
    provider.play(rule=echo_history)
    run = deployment.post_to(conversation.id, "a")
    with runner_at_work(deployment):
        newest = list(client.conversations.messages.stream(conversation.id))
        named = list(client.conversations.messages.stream(conversation.id, run_id=run, starting_after=2))

    assert [event.message_type for event in newest] == ["assistant_message", "stop_reason", "usage_statistics"]
    assert [event.message_type for event in named] == ["stop_reason", "usage_statistics"]
    other = client.conversations.create(agent_id=agent.id)
    for fields in ({}, {"run_id": run}):
        response = deployment.http().post(f"/v1/conversations/{other.id}/stream", json=fields)
        assert_refused(response, 404)


MALFORMED = ["conv-1", "1", UNKNOWN_CONVERSATION.upper(), "run-0d9a0c2e-30cf-4c7e-9a07-0000004d1f2a", "%00", "Default"]
CALLS = [
    ("GET", "", {}),
    ("PATCH", "", {}),
    ("DELETE", "", None),
    ("POST", "/cancel", None),
    ("POST", "/fork", None),
    ("POST", "/recompile", {}),
    ("GET", "/messages", None),
    ("POST", "/messages", {"input": "a"}),
    ("POST", "/stream", {}),
]


@pytest.mark.parametrize(("method", "part", "body"), CALLS)
def test_conversations_that_are_none_are_refused(standing: Deployment, method: str, part: str, body: Any) -> None:
    with standing.tries_no_write():
        for value in MALFORMED:
            response = standing.http().request(method, f"/v1/conversations/{value}{part}", json=body)
            assert_refused(response, 422)
        for value in (UNKNOWN_CONVERSATION, UNKNOWN_AGENT):
            response = standing.http().request(method, f"/v1/conversations/{value}{part}", json=body)
            assert_refused(response, 404)
        assert_refused(standing.http().request(method, f"/v1/conversations/default{part}", json=body), 400)


@pytest.mark.parametrize(("method", "part", "body"), CALLS)
def test_strangers_conversation_is_unknown(deployment: Deployment, method: str, part: str, body: Any) -> None:
    agent = deployment.create_agent()
    conversation = deployment.sdk().conversations.create(agent_id=agent.id)
    with deployment.writes_nothing():
        response = deployment.stranger.http().request(method, f"/v1/conversations/{conversation.id}{part}", json=body)
        assert_refused(response, 404)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "agent_id=1",
        f"agent_id={UNKNOWN_AGENT}&limit=0",
        f"agent_id={UNKNOWN_AGENT}&limit=1001",
        f"agent_id={UNKNOWN_AGENT}&order=up",
        f"agent_id={UNKNOWN_AGENT}&archive_status=some",
        f"agent_id={UNKNOWN_AGENT}&order_by=name",
    ],
)
def test_bad_list_queries_are_refused(standing: Deployment, query: str) -> None:
    with standing.tries_no_write():
        assert_refused(standing.http().get(f"/v1/conversations/?{query}"), 422)


def test_unknown_cursors_are_not_found(standing: Deployment) -> None:
    agent = standing.create_agent()
    for cursor in (UNKNOWN_CONVERSATION, "conv-1", agent.id):
        with pytest.raises(NotFoundError):
            standing.sdk().conversations.list(agent_id=agent.id, after=cursor)
    with pytest.raises(NotFoundError):
        standing.sdk().conversations.messages.list(agent.id, after=UNKNOWN_MESSAGE)


@pytest.mark.parametrize(
    "body",
    [
        {"summary": 1},
        {"summary": "x" * 10_001},
        {"model": "nohandle"},
        {"model": "nobody/model"},
        {"context_window_limit": 0},
        {"context_window_limit": "9000"},
        {"model_settings": []},
        {"archived": "yes"},
        {"last_message_at": "yesterday"},
    ],
)
def test_bad_fields_are_refused_and_change_nothing(standing: Deployment, body: Any) -> None:
    agent = standing.create_agent()
    conversation = standing.sdk().conversations.create(agent_id=agent.id)
    with standing.writes_nothing():
        response = standing.http().patch(f"/v1/conversations/{conversation.id}", json=body)
        assert response.status_code in {400, 404, 422}
        assert_refused(response, response.status_code)
        if not body.keys() & {"archived", "last_message_at"}:
            made = standing.http().post(f"/v1/conversations/?agent_id={agent.id}", json=body)
            assert_refused(made, response.status_code)


def test_agents_default_conversation_is_not_changed_apart_from_it(standing: Deployment) -> None:
    agent = standing.create_agent()
    with standing.writes_nothing():
        with pytest.raises(BadRequestError):
            standing.sdk().conversations.delete(agent.id)
        with pytest.raises(BadRequestError):
            standing.sdk().conversations.update(agent.id, summary="x")
        with pytest.raises(NotFoundError):
            standing.sdk().conversations.create(agent_id=UNKNOWN_AGENT)
        with pytest.raises(UnprocessableEntityError):
            standing.sdk().conversations.create(agent_id="agent-1")
    assert standing.sdk().conversations.retrieve(agent.id).agent_id == agent.id
