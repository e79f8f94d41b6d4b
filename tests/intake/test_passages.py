"""Passages of archival memory: as clients keep and find them, and as the agent's own tools do (letta_api_spec §5.3)."""

import json
from typing import Any

import pytest
from letta_client import NotFoundError

from intake.deployment import Deployment
from intake.refusals import assert_refused
from support.scripted_model.answers import Call, Reply
from support.scripted_model.server import ScriptedModel

UNKNOWN_PASSAGE = "passage-0000645b-93d1-4eac-9a07-5b6c4d1f2a3b"
COUNTED = "memories that you kept are stored in archival memory"


def system_of(deployment: Deployment, agent_id: str) -> str:
    """Return the system message that the agent's next run is sent."""
    return str(deployment.sdk().agents.messages.list(agent_id, order="asc").items[0].model_dump()["content"])


def test_passages_are_kept_listed_found_and_deleted(deployment: Deployment) -> None:
    passages, agent = deployment.sdk().agents.passages, deployment.create_agent(timezone="Europe/Berlin")
    tags, day = ["birth", "ada"], "2024-07-01"
    (ada,) = passages.create(agent.id, text="Ada was born in 1815", tags=tags, created_at=f"{day}T10:00")
    (charles,) = passages.create(agent.id, text="Charles was born in 1791", tags=["birth"])

    assert (ada.text, ada.tags) == ("Ada was born in 1815", tags)
    assert [one.id for one in passages.list(agent.id)] == [ada.id, charles.id]
    assert [one.id for one in passages.list(agent.id, ascending=False, limit=1)] == [charles.id]
    assert [one.id for one in passages.list(agent.id, after=ada.id)] == [charles.id]
    assert [one.id for one in passages.list(agent.id, before=charles.id)] == [ada.id]
    assert [one.id for one in passages.list(agent.id, search="CHARLES")] == [charles.id]
    found = passages.search(agent.id, query="born 1815")
    assert [one.id for one in found.results] == [ada.id, charles.id]
    assert (found.count, found.results[0].timestamp) == (2, f"{day}T12:00:00+02:00")
    only = passages.search(agent.id, query="born", tags=tags, tag_match_mode="all", end_datetime=day)
    assert [one.id for one in only.results] == [ada.id]

    passages.delete(str(ada.id), agent_id=agent.id)

    assert [one.id for one in passages.list(agent.id)] == [charles.id]
    with pytest.raises(NotFoundError):
        passages.delete(str(ada.id), agent_id=agent.id)
    assert f"- 1 {COUNTED}" in deployment.sdk().agents.recompile(agent.id)


def test_system_message_counts_what_was_kept(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    assert COUNTED not in system_of(deployment, agent.id)

    for text in ("one", "two"):
        deployment.sdk().agents.passages.create(agent.id, text=text)

    assert f"- 2 {COUNTED}" in system_of(deployment, agent.id)


def test_agent_and_client_find_what_the_other_kept(deployment: Deployment) -> None:
    agent = deployment.create_agent(tools=["archival_memory_insert", "archival_memory_search"])
    deployment.sdk().agents.passages.create(agent.id, text="The key is under the mat")
    calls = [
        Call("archival_memory_search", json.dumps({"query": "key"})),
        Call("archival_memory_insert", json.dumps({"content": "The mat is blue", "tags": ["mat"]})),
    ]
    with ScriptedModel(*(Reply(tool_calls=(call,)) for call in calls), Reply("done")) as model:
        deployment.point_at(model)
        deployment.post(agent.id)
        deployment.answer_doorbells()
        assert "The key is under the mat" in model.requests[1].texts_of("tool")[0]

    (found,) = deployment.sdk().agents.passages.search(agent.id, query="blue").results
    assert (found.content, found.tags) == ("The mat is blue", ["mat"])
    assert f"- 2 {COUNTED}" in deployment.sdk().agents.recompile(agent.id)


def test_large_passage_is_kept_and_goes(deployment: Deployment) -> None:
    passages, agent = deployment.sdk().agents.passages, deployment.create_agent()
    (kept,) = passages.create(agent.id, text="名" * 30_000)
    (same,) = passages.create(agent.id, text="名" * 30_000)

    passages.delete(str(kept.id), agent_id=agent.id)

    assert [one.text for one in passages.list(agent.id)] == [same.text]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"text": 5}, 422),
        ({"text": " "}, 400),
        ({"text": "x" * 30_001}, 400),
        ({"text": "x", "tags": ["t"] * 3 + [str(number) for number in range(60)]}, 400),
        ({"text": "x", "created_at": "yesterday"}, 422),
    ],
)
def test_passage_that_cannot_be_kept_is_refused(standing: Deployment, body: dict[str, Any], status: int) -> None:
    agent = standing.create_agent()
    with standing.tries_no_write():
        assert_refused(standing.http().post(f"/v1/agents/{agent.id}/archival-memory", json=body), status)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/search", 422),
        ("/search?query=x&top_k=0", 422),
        ("/search?query=x&start_datetime=yesterday", 400),
        ("?after=passage-1", 404),
        ("?limit=0", 422),
    ],
)
def test_question_that_cannot_be_answered_is_refused(standing: Deployment, path: str, status: int) -> None:
    agent = standing.create_agent()
    assert_refused(standing.http().get(f"/v1/agents/{agent.id}/archival-memory{path}"), status)


def test_strangers_passages_are_as_unknown_ones(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    (kept,) = deployment.sdk().agents.passages.create(agent.id, text="mine")
    place = f"/v1/agents/{agent.id}/archival-memory"
    stranger = deployment.stranger.http()
    for method, path in (("GET", place), ("POST", place), ("GET", f"{place}/search?query=mine")):
        assert_refused(stranger.request(method, path, json={"text": "theirs"}), 404)
    assert_refused(stranger.delete(f"{place}/{kept.id}"), 404)
    own = deployment.stranger.create_agent()
    assert_refused(stranger.delete(f"/v1/agents/{own.id}/archival-memory/{kept.id}"), 404)
    assert_refused(deployment.http().delete(f"{place}/{UNKNOWN_PASSAGE}"), 404)
    assert_refused(deployment.http().delete(f"{place}/passage-1"), 422)
    assert [one.id for one in deployment.sdk().agents.passages.list(agent.id)] == [kept.id]
