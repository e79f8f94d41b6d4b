"""Memory blocks by themselves and by the agents that share them (letta_api_spec §5.1, §5.2)."""

from collections.abc import Callable
from typing import Any

import pytest
from letta_client import BadRequestError, ConflictError, NotFoundError

from intake.deployment import UNKNOWN_AGENT, Deployment
from intake.refusals import assert_refused, read_json

UNKNOWN_BLOCK = "block-0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b"

REFUSED: dict[str, dict[str, Any]] = {
    "no label": {"label": None},
    "label of spaces": {"label": "a b"},
    "label with angle brackets": {"label": "</human>"},
    "label endless": {"label": "x" * 129},
    "value number": {"value": 5},
    "limit zero": {"limit": 0},
    "limit word": {"limit": "big"},
    "read_only word": {"read_only": "yes"},
    "metadata list": {"metadata": [1]},
    "tags string": {"tags": "a"},
    "description number": {"description": 1},
}


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED)
def test_block_with_a_wrong_field_is_refused(standing: Deployment, fields: dict[str, Any]) -> None:
    with standing.tries_no_write():
        response = standing.http().post("/v1/blocks/", json={"label": "human", "value": "Bob"} | fields)
    assert_refused(response, 422)


@pytest.mark.parametrize("value", ["x" * 100_001, "x" * 11])
def test_value_over_its_limit_is_refused(standing: Deployment, value: str) -> None:
    body: dict[str, Any] = {"label": "human", "value": value} | ({"limit": 10} if len(value) == 11 else {})
    with standing.tries_no_write():
        assert_refused(standing.http().post("/v1/blocks/", json=body), 422)


def test_block_is_created_read_changed_and_deleted(deployment: Deployment) -> None:
    blocks = deployment.sdk().blocks
    created = blocks.create(
        label="human",
        value="Bob — 名前",
        limit=50,
        description="Who asks",
        read_only=True,
        tags=["a", "b"],
        metadata={"n": 1},
        project_id="project-1",
        template_name="persons",
    )
    assert (created.label, created.value, created.limit, created.read_only) == ("human", "Bob — 名前", 50, True)
    assert (created.tags, created.metadata, created.project_id) == (["a", "b"], {"n": 1}, "project-1")
    assert blocks.retrieve(created.id) == created
    changed = blocks.update(created.id, value="Alice", tags=[], read_only=False, label="person")
    assert (changed.label, changed.value, changed.limit, changed.tags) == ("person", "Alice", 50, [])
    assert (changed.description, changed.project_id, changed.read_only) == ("Who asks", "project-1", False)
    assert blocks.retrieve(created.id) == changed
    blocks.delete(created.id)
    assert deployment.items("AgentsTable") == []
    for ask in (blocks.retrieve, blocks.delete, blocks.update):
        with pytest.raises(NotFoundError):
            ask(created.id)


def test_default_descriptions(deployment: Deployment) -> None:
    blocks = deployment.sdk().blocks
    assert blocks.create(label="human", value="").description
    assert blocks.create(label="persona", value="").description
    assert blocks.create(label="other", value="").description is None


def test_change_over_a_limit_is_refused(deployment: Deployment) -> None:
    blocks = deployment.sdk().blocks
    block = blocks.create(label="human", value="Bob", limit=5)
    for fields in ({"value": "Alice Miller"}, {"limit": 2}):
        with deployment.tries_no_write(), pytest.raises(BadRequestError):
            blocks.update(block.id, **fields)
    assert blocks.update(block.id, value="Alice Miller", limit=50).value == "Alice Miller"


def test_blocks_are_listed_and_filtered(deployment: Deployment) -> None:
    client = deployment.sdk()
    first = client.blocks.create(label="human", value="Bob", tags=["a"], description="A person")
    second = client.blocks.create(label="notes", value="Parcels", tags=["a", "b"], is_template=True, project_id="p")
    third = client.blocks.create(label="human", value="Alice", template_name="persons")
    deployment.create_agent(block_ids=[first.id, second.id])
    deployment.create_agent(block_ids=[first.id])

    def found(**query: Any) -> list[str]:
        return [block.id for block in client.blocks.list(order="asc", **query)]

    everything = [first.id, second.id, third.id]
    assert found() == everything
    assert [block.id for block in client.blocks.list()] == everything[::-1]
    assert found(limit=1) == everything
    assert found(after=first.id) == [second.id, third.id]
    assert found(label="human") == [first.id, third.id]
    assert found(label_search="OTE") == [second.id]
    assert found(value_search="parcel") == [second.id]
    assert found(description_search="person") == [first.id, third.id]
    assert found(name="persons") == [third.id]
    assert found(tags=["b", "c"]) == [second.id]
    assert found(tags=["a", "b"], match_all_tags=True) == [second.id]
    assert found(templates_only=True) == [second.id]
    assert found(project_id="p") == [second.id]
    assert found(identity_id="identity-1") == []
    assert found(connected_to_agents_count_gt=1) == [first.id]
    assert found(connected_to_agents_count_lt=1) == [third.id]
    assert found(connected_to_agents_count_eq=[0, 1]) == [second.id, third.id]
    assert read_json(deployment.http().get("/v1/blocks/count")) == 3


def test_change_of_a_shared_block_shows_in_every_agent(deployment: Deployment) -> None:
    client = deployment.sdk()
    block = client.blocks.create(label="house_rules", value="Be kind.")
    agents = [deployment.create_agent(block_ids=[block.id]) for _ in range(2)]
    client.agents.blocks.update("house_rules", agent_id=agents[0].id, value="Be kinder.")
    for agent in agents:
        assert client.agents.blocks.retrieve("house_rules", agent_id=agent.id).value == "Be kinder."
        assert client.agents.retrieve(agent.id).memory.blocks[0].value == "Be kinder."
    assert [agent.id for agent in client.blocks.agents.list(block.id, order="asc")] == [one.id for one in agents]
    client.blocks.delete(block.id)
    assert client.agents.retrieve(agents[0].id).blocks == []


def test_block_is_attached_and_detached(deployment: Deployment) -> None:
    client = deployment.sdk()
    agent = deployment.create_agent(memory_blocks=[{"label": "human", "value": "Bob"}])
    block = client.blocks.create(label="notes", value="")
    attached = client.agents.blocks.attach(block.id, agent_id=agent.id)
    assert [one.label for one in attached.blocks] == ["human", "notes"]
    with deployment.tries_no_write():
        assert client.agents.blocks.attach(block.id, agent_id=agent.id) == attached
    listed = client.agents.blocks.list(agent.id, order="asc", limit=1)
    assert [one.label for one in listed] == ["human", "notes"]
    detached = client.agents.blocks.detach(block.id, agent_id=agent.id)
    assert [one.label for one in detached.blocks] == ["human"]
    assert client.blocks.retrieve(block.id).label == "notes"
    with deployment.tries_no_write(), pytest.raises(NotFoundError):
        client.agents.blocks.detach(block.id, agent_id=agent.id)


def test_label_may_have_a_slash(deployment: Deployment) -> None:
    client = deployment.sdk()
    agent = deployment.create_agent(memory_blocks=[{"label": "skills/parcels", "value": "Track them."}])
    assert client.agents.blocks.retrieve("skills/parcels", agent_id=agent.id).value == "Track them."
    client.agents.blocks.update("skills/parcels", agent_id=agent.id, value="Find them.")
    assert client.agents.blocks.retrieve("skills/parcels", agent_id=agent.id).value == "Find them."


def test_blocks_outlive_their_agent(deployment: Deployment) -> None:
    client = deployment.sdk()
    agent = deployment.create_agent(memory_blocks=[{"label": "human", "value": "Bob"}])
    client.agents.delete(agent.id)
    assert [block.value for block in client.blocks.list()] == ["Bob"]


def test_new_label_that_an_agent_has_already_is_refused(deployment: Deployment) -> None:
    client = deployment.sdk()
    agent = deployment.create_agent(
        memory_blocks=[{"label": "human", "value": "Bob"}, {"label": "persona", "value": "Clerk"}]
    )
    with deployment.tries_no_write(), pytest.raises(ConflictError):
        client.agents.blocks.update("human", agent_id=agent.id, label="persona")


def test_blocks_that_grow_too_large_together_are_refused(deployment: Deployment) -> None:
    client = deployment.sdk()
    blocks = [{"label": label, "value": "ü" * 90_000} for label in ("a", "b")]
    agent = deployment.create_agent(memory_blocks=[*blocks, {"label": "c", "value": ""}])
    with deployment.tries_no_write(), pytest.raises(BadRequestError):
        client.agents.blocks.update("c", agent_id=agent.id, value="ü" * 90_000)
    large = client.blocks.create(label="d", value="ü" * 90_000)
    with deployment.tries_no_write(), pytest.raises(BadRequestError):
        client.agents.blocks.attach(large.id, agent_id=agent.id)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/v1/blocks/{UNKNOWN_BLOCK}", 404),
        ("PATCH", f"/v1/blocks/{UNKNOWN_BLOCK}", 404),
        ("DELETE", f"/v1/blocks/{UNKNOWN_BLOCK}", 404),
        ("GET", f"/v1/blocks/{UNKNOWN_BLOCK}/agents", 404),
        ("GET", "/v1/blocks/block-1", 422),
        ("GET", f"/v1/blocks/?after={UNKNOWN_BLOCK}", 404),
        ("GET", "/v1/blocks/?limit=0", 422),
        ("GET", "/v1/blocks/?limit=1001", 422),
        ("GET", "/v1/blocks/?order=up", 422),
        ("GET", "/v1/blocks/?connected_to_agents_count_gt=many", 422),
        ("GET", f"/v1/agents/{UNKNOWN_AGENT}/core-memory/blocks", 404),
        ("GET", f"/v1/agents/{UNKNOWN_AGENT}/core-memory/blocks/human", 404),
        ("PATCH", f"/v1/agents/{UNKNOWN_AGENT}/core-memory/blocks/human", 404),
        ("GET", "/v1/agents/<agent>/core-memory/blocks/no_such_label", 404),
        ("GET", f"/v1/agents/<agent>/core-memory/blocks?after={UNKNOWN_BLOCK}", 404),
        ("PATCH", f"/v1/agents/<agent>/core-memory/blocks/attach/{UNKNOWN_BLOCK}", 404),
        ("PATCH", f"/v1/agents/<agent>/core-memory/blocks/detach/{UNKNOWN_BLOCK}", 404),
        ("PATCH", "/v1/agents/<agent>/core-memory/blocks/attach/block-1", 422),
        ("PATCH", f"/v1/agents/{UNKNOWN_AGENT}/core-memory/blocks/detach/{UNKNOWN_BLOCK}", 404),
    ],
)
def test_what_is_not_there_is_refused(standing: Deployment, method: str, path: str, status: int) -> None:
    agent = standing.create_agent()
    with standing.writes_nothing():
        response = standing.http().request(method, path.replace("<agent>", agent.id), json={"value": "x"})
    assert_refused(response, status)


def test_block_of_another_tenant_is_unknown(deployment: Deployment) -> None:
    theirs = deployment.stranger.sdk().blocks.create(label="human", value="Bob")
    agent = deployment.create_agent()
    client = deployment.sdk()
    asks: list[Callable[[], object]] = [
        lambda: client.blocks.retrieve(theirs.id),
        lambda: client.blocks.update(theirs.id, value="x"),
        lambda: client.blocks.delete(theirs.id),
        lambda: client.agents.blocks.attach(theirs.id, agent_id=agent.id),
        lambda: client.agents.update(agent.id, block_ids=[theirs.id]),
        lambda: deployment.create_agent(block_ids=[theirs.id]),
    ]
    for ask in asks:
        with deployment.writes_nothing(), pytest.raises(NotFoundError):
            ask()
    assert list(client.blocks.list()) == []
