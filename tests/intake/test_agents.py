"""Agents as the SDK creates, reads and deletes them (letta_api_spec §5.4)."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from letta_client import BadRequestError, NotFoundError, UnprocessableEntityError

from intake.deployment import Deployment
from intake.refusals import assert_refused, read_json
from nightshift.clock import SystemClock
from nightshift.domain.ids import id_pattern
from nightshift.storage.keys import scoped
from support.scripted_model.server import ScriptedModel

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

REFUSED_FIELDS: dict[str, dict[str, Any]] = {
    "name empty": {"name": ""},
    "name number": {"name": 5},
    "name endless": {"name": "x" * 1_000},
    **{f"name with {character!a}": {"name": f"a{character}b"} for character in '/\\:*?"<>|\n\t\0\x7f\u202e🦉'},
    "model number": {"model": 5},
    "model endless": {"model": "openai/" + "x" * 100_000},
    "system number": {"system": 5},
    "agent_type unknown": {"agent_type": "butler"},
    "tags string": {"tags": "parcels"},
    "tags of numbers": {"tags": [1]},
    "metadata list": {"metadata": [1]},
    "context window negative": {"context_window_limit": -1},
    "context window word": {"context_window_limit": "big"},
    "context window fraction": {"context_window_limit": 8_000.5},
    "context window beyond all models": {"context_window_limit": 10**40},
    "max_tokens zero": {"max_tokens": 0},
    "max_tokens beyond all models": {"max_tokens": 10**40},
    "blocks object": {"memory_blocks": {"label": "human", "value": "Bob"}},
    "block without value": {"memory_blocks": [{"label": "human"}]},
    "block without label": {"memory_blocks": [{"value": "Bob"}]},
    "block label with angle brackets": {"memory_blocks": [{"label": "</human>", "value": "Bob"}]},
    "block label with line break": {"memory_blocks": [{"label": "human\n", "value": "Bob"}]},
    "block value number": {"memory_blocks": [{"label": "human", "value": 5}]},
    "block value over its limit": {"memory_blocks": [{"label": "human", "value": "Bob", "limit": 2}]},
    "block value over the default limit": {"memory_blocks": [{"label": "human", "value": "x" * 100_001}]},
    "blocks too large to be shown": {
        "memory_blocks": [{"label": label, "value": "ü" * 90_000} for label in ("a", "b", "c")]
    },
    "block limit zero": {"memory_blocks": [{"label": "human", "value": "", "limit": 0}]},
    "two blocks of one label": {"memory_blocks": [{"label": "human", "value": value} for value in "ab"]},
}

ACCEPTED_NAMES = ("Bob", "O'Neill_the-2nd", "名前", "Ünïcödé", "e\u0301tude", "हिन्दी", "٤٢", "a", "x" * 256, "José 3")


@pytest.mark.parametrize("fields", REFUSED_FIELDS.values(), ids=REFUSED_FIELDS)
def test_field_that_is_not_what_it_should_be_is_refused(standing: Deployment, fields: dict[str, Any]) -> None:
    with standing.tries_no_write():
        response = standing.http().post("/v1/agents/", json={"model": "openai/scripted"} | fields)
    assert_refused(response, 422)


@pytest.mark.parametrize(
    ("model", "status"),
    [(None, 400), ("", 400), ("gpt-4o-mini", 400), ("openai/", 400), ("/gpt", 400), ("acme/gpt", 404)],
)
def test_model_of_no_known_provider_is_refused(standing: Deployment, model: str | None, status: int) -> None:
    with standing.tries_no_write():
        assert_refused(standing.http().post("/v1/agents/", json={"model": model}), status)
    expected = BadRequestError if status == 400 else NotFoundError
    with pytest.raises(expected):
        standing.sdk().agents.create(model=model)


def test_agent_without_body_is_refused(standing: Deployment) -> None:
    with standing.tries_no_write():
        assert_refused(standing.http().post("/v1/agents/"), 422)
        assert_refused(standing.http().post("/v1/agents/", json={}), 400)


def test_agent_has_what_its_creator_said(deployment: Deployment) -> None:
    agent = deployment.sdk().agents.create(
        name="Parcel clerk",
        model="bedrock/anthropic.claude-v1:0",
        system="You track parcels.",
        description="Knows every parcel",
        memory_blocks=[
            {"label": "human", "value": "Bob — 名前", "limit": 50, "description": "Who asks", "read_only": True},
            {"label": "persona", "value": ""},
        ],
        tags=["parcels", "night", "parcels"],
        metadata={"team": {"size": 3}},
        context_window_limit=16_000,
        max_tokens=900,
        embedding="openai/text-embedding-3-small",
        timezone="Europe/Berlin",
    )
    assert re.fullmatch(id_pattern("agent"), agent.id)
    assert (agent.name, agent.system, agent.description) == (
        "Parcel clerk",
        "You track parcels.",
        "Knows every parcel",
    )
    assert agent.agent_type == "letta_v1_agent"
    assert agent.model == "bedrock/anthropic.claude-v1:0"
    assert agent.tags == ["parcels", "night"]
    assert agent.metadata == {"team": {"size": 3}}
    assert agent.timezone == "Europe/Berlin"
    assert (agent.llm_config.model, agent.llm_config.api_model_endpoint_type) == ("anthropic.claude-v1:0", "bedrock")
    assert (agent.llm_config.context_window, agent.llm_config.max_tokens) == (16_000, 900)
    human, persona = agent.blocks
    assert (human.label, human.value, human.limit) == ("human", "Bob — 名前", 50)
    assert (human.description, human.read_only) == ("Who asks", True)
    assert (persona.label, persona.value, persona.limit) == ("persona", "", 100_000)
    assert agent.memory.blocks == agent.blocks
    assert [tool.name for tool in agent.tools] == ["conversation_search", "memory_insert", "memory_replace"]
    assert agent.sources == []


def test_agent_is_read_as_it_was_created(deployment: Deployment) -> None:
    created = deployment.create_agent(memory_blocks=[{"label": "human", "value": "Bob"}], tags=["night"])
    assert deployment.sdk().agents.retrieve(created.id) == created


def test_agent_gets_what_its_creator_left_out(deployment: Deployment) -> None:
    agent = deployment.sdk().agents.create(model="openai/scripted")
    assert re.fullmatch(r"[A-Z][a-z]+ [A-Z][a-z]+", agent.name)
    assert agent.system
    assert (agent.blocks, agent.tags, agent.metadata, agent.timezone) == ([], [], {}, "UTC")
    assert agent.llm_config.context_window == 128_000


def test_times_are_utc_with_microseconds(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    shown = read_json(deployment.http().get(f"/v1/agents/{agent.id}"))
    assert TIME.fullmatch(shown["created_at"])
    assert shown["updated_at"] == shown["created_at"]
    assert agent.created_at
    assert abs(SystemClock().now() - agent.created_at) < timedelta(seconds=60)


@pytest.mark.parametrize("name", ACCEPTED_NAMES)
def test_name_may_have_letters_of_any_language(deployment: Deployment, name: str) -> None:
    created = deployment.create_agent(name=name)
    assert deployment.sdk().agents.retrieve(created.id).name == name
    assert [agent.id for agent in deployment.sdk().agents.list(name=name)] == [created.id]


def test_agent_of_a_megabyte_is_kept_whole(deployment: Deployment) -> None:
    system = "ü" * 500_000
    agent = deployment.create_agent(system=system, memory_blocks=[{"label": "human", "value": "Bob"}])
    assert len(deployment.objects()) == 2
    assert deployment.sdk().agents.retrieve(agent.id).system == system
    assert [found.system for found in deployment.sdk().agents.list()] == [system]


def test_deleted_agent_is_gone_and_its_conversation_is_due(deployment: Deployment, provider: ScriptedModel) -> None:
    client = deployment.sdk()
    agent = deployment.create_agent()
    run = deployment.post(agent.id)
    deployment.answer_doorbells()

    client.agents.delete(agent.id)

    asks: list[Callable[[], object]] = [
        lambda: client.agents.retrieve(agent.id),
        lambda: client.agents.delete(agent.id),
        lambda: client.agents.messages.list(agent.id),
        lambda: client.agents.messages.create_async(agent.id, input="hello"),
    ]
    for ask in asks:
        with pytest.raises(NotFoundError):
            ask()
    assert list(client.agents.list()) == []
    assert deployment.is_due(agent.id)

    deployment.answer_doorbells()

    assert deployment.database.conversations.get(deployment.tenant, agent.id) is None
    assert (deployment.items("AgentsTable"), deployment.items("MessagesTable"), deployment.objects()) == ([], [], [])
    assert client.runs.retrieve(run.id).status == "completed"
    assert list(client.runs.messages.list(run.id)) == []


def test_post_to_deleted_agent_writes_nothing(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    deployment.sdk().agents.delete(agent.id)
    path = f"/v1/agents/{agent.id}/messages/async"
    for text in ("hello", "x" * 100_000):
        with deployment.writes_nothing():
            assert_refused(deployment.http().post(path, json={"input": text}), 404, "Agent not found")


def test_deleted_agent_with_a_full_queue_is_gone_and_not_busy(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    deployment.fill_queue(agent.id)
    deployment.sdk().agents.delete(agent.id)
    response = deployment.http().post(f"/v1/agents/{agent.id}/messages/async", json={"input": "hello"})
    assert_refused(response, 404, "Agent not found")


def test_run_that_waits_when_its_agent_is_deleted_ends_cancelled(
    deployment: Deployment, provider: ScriptedModel
) -> None:
    agent = deployment.create_agent()
    run = deployment.post(agent.id, callback_url="https://hooks.example.org/letta")
    deployment.sdk().agents.delete(agent.id)
    deployment.answer_doorbells()
    ended = deployment.sdk().runs.retrieve(run.id)
    assert (ended.status, ended.stop_reason) == ("cancelled", "cancelled")
    delivery = deployment.database.deliveries.get(deployment.tenant, run.id)
    assert delivery
    assert delivery.run_status == "cancelled"
    assert provider.requests == []


def test_sdk_raises_unprocessable_entity_error(standing: Deployment) -> None:
    with pytest.raises(UnprocessableEntityError):
        standing.sdk().agents.create(model="openai/scripted", name="a/b")


def test_agent_begins_with_its_system_message(deployment: Deployment) -> None:
    agent = deployment.create_agent(memory_blocks=[{"label": "human", "value": "Bob"}])
    (message,) = deployment.sdk().agents.messages.list(agent.id).items
    assert message.message_type == "system_message"
    assert isinstance(message.content, str)
    assert message.content.startswith("Be brief.\n\n<memory_blocks>")
    assert scoped(deployment.tenant, agent.id) not in message.content
