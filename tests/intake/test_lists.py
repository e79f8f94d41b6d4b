"""Lists of agents and runs: order, cursors both ways, filters, limits (letta_api_spec §5.0, §5.1)."""

from typing import Any, Literal

import httpx
import pytest
from letta_client import NotFoundError

from intake.deployment import UNKNOWN_AGENT, UNKNOWN_RUN, Deployment, Deployments
from intake.refusals import assert_refused, read_json
from nightshift.domain.agent import Agent
from nightshift.intake import listing
from support.clock import START
from support.scripted_model.answers import ErrorReply, Reply
from support.scripted_model.server import ScriptedModel

type Order = Literal["asc", "desc"]

BOTH_ORDERS = pytest.mark.parametrize("order", ["asc", "desc"])


class Listed:
    """Ten things of one kind, oldest first, and how the SDK lists them."""

    def __init__(self, deployments: Deployments, kind: str) -> None:
        deployment = deployments.new()
        client = deployment.sdk()
        if kind == "agents":
            self.ids = [deployment.create_agent().id for _ in range(10)]
            self.list: Any = client.agents.list
        else:
            agents = [deployment.create_agent().id for _ in range(2)]
            self.ids = [deployment.post(agents[number % 2]).id for number in range(10)]
            self.list = client.runs.list
        self.path, self.http = f"/v1/{kind}/", deployment.http()

    def in_order(self, order: Order) -> list[str]:
        return self.ids if order == "asc" else self.ids[::-1]


@pytest.fixture(scope="module", params=["agents", "runs"])
def listed(request: pytest.FixtureRequest, deployments: Deployments) -> Listed:
    return Listed(deployments, request.param)


@BOTH_ORDERS
@pytest.mark.parametrize("limit", [1, 3, 10])
def test_automatic_paging_gives_everything_once_in_order(listed: Listed, order: Order, limit: int) -> None:
    assert [thing.id for thing in listed.list(limit=limit, order=order)] == listed.in_order(order)


@BOTH_ORDERS
def test_automatic_paging_goes_on_after_a_cursor(listed: Listed, order: Order) -> None:
    expected = listed.in_order(order)
    found = [thing.id for thing in listed.list(limit=2, order=order, after=expected[3])]
    assert found == expected[4:]


@BOTH_ORDERS
def test_automatic_paging_goes_back_before_a_cursor(listed: Listed, order: Order) -> None:
    expected = listed.in_order(order)
    pages = [
        [thing.id for thing in page.items]
        for page in listed.list(limit=3, order=order, before=expected[8]).iter_pages()
    ]
    assert pages[:3] == [expected[5:8], expected[2:5], expected[0:2]]
    assert pages[3:] in ([], [[]])


@BOTH_ORDERS
def test_page_at_the_end_is_empty(listed: Listed, order: Order) -> None:
    expected = listed.in_order(order)
    assert listed.list(order=order, after=expected[-1]).items == []
    assert listed.list(order=order, before=expected[0]).items == []


def test_default_order_is_newest_first(listed: Listed) -> None:
    assert [thing.id for thing in listed.list(limit=4).items] == listed.in_order("desc")[:4]


def test_both_cursors_at_once_are_refused(listed: Listed) -> None:
    query = {"after": listed.ids[0], "before": listed.ids[5]}
    assert_refused(listed.http.get(listed.path, params=query), 400)


@pytest.mark.parametrize("path", ["/v1/agents/", "/v1/runs/"])
@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "1001"},
        {"limit": "many"},
        {"limit": "1.5"},
        {"limit": "1" * 5_000},
        {"order": "random"},
        {"order": "DESC"},
    ],
    ids=str,
)
def test_query_out_of_range_is_refused(standing: Deployment, path: str, query: dict[str, str]) -> None:
    assert_refused(standing.http().get(path, params=query), 422)


@pytest.mark.parametrize("limit", ["1", "1000"])
def test_limits_at_the_edge_are_accepted(standing: Deployment, limit: str) -> None:
    for path in ("/v1/agents/", "/v1/runs/"):
        assert standing.http().get(path, params={"limit": limit}).status_code == 200


@pytest.mark.parametrize("cursor", ["after", "before"])
def test_unknown_cursor_is_not_found(standing: Deployment, cursor: str) -> None:
    client = standing.sdk()
    query: dict[str, Any] = {cursor: UNKNOWN_AGENT}
    with pytest.raises(NotFoundError):
        client.agents.list(**query)
    query = {cursor: UNKNOWN_RUN}
    with pytest.raises(NotFoundError):
        client.runs.list(**query)


@pytest.mark.parametrize("malformed", ["x", "%00", "%ED%A0%80", "x" * 3_000, "a%23b"])
@pytest.mark.parametrize("cursor", ["after", "before"])
def test_malformed_cursor_is_refused_without_a_look_into_a_table(
    standing: Deployment, cursor: str, malformed: str
) -> None:
    http = standing.http()
    for path, status in (("/v1/agents/", 404), ("/v1/runs/", 400)):
        standing.stack.calls.clear()
        assert_refused(http.get(f"{path}?{cursor}={malformed}"), status)
        assert {call.service for call in standing.stack.calls} <= {"secretsmanager"}


@pytest.mark.parametrize("malformed", ["x", "agent-1", "a%23b", "%00", "x" * 3_000])
def test_malformed_agent_id_as_filter_is_refused(standing: Deployment, malformed: str) -> None:
    http = standing.http()
    assert_refused(http.get(f"/v1/runs/?agent_id={malformed}"), 422)
    assert_refused(http.get(f"/v1/runs/?agent_ids={UNKNOWN_AGENT}&agent_ids={malformed}"), 422)


@pytest.mark.parametrize(
    "query", [{"statuses": "done"}, {"active": "perhaps"}, {"background": "x"}, {"stop_reason": "x"}], ids=str
)
def test_filter_that_no_run_can_meet_is_refused(standing: Deployment, query: dict[str, str]) -> None:
    assert_refused(standing.http().get("/v1/runs/", params=query), 422)


def test_key_without_value_counts_as_absent(listed: Listed) -> None:
    response = listed.http.get(f"{listed.path}?limit=&order=&after=&before=&agent_id=&name=")
    assert [found["id"] for found in read_json(response)] == listed.in_order("desc")


def test_unknown_query_keys_are_ignored(standing: Deployment) -> None:
    http = standing.http()
    assert http.get("/v1/runs/?order_by=created_at&project_id=x&tenant=other&=&&").status_code == 200


class Outcomes:
    """A completed, a failed and a waiting run of two agents."""

    def __init__(self, deployments: Deployments) -> None:
        deployment = deployments.new()
        self.agent, self.other_agent = deployment.create_agent().id, deployment.create_agent().id
        with ScriptedModel(Reply("done"), ErrorReply(400)) as provider:
            deployment.point_at(provider)
            self.completed = deployment.post(self.agent).id
            deployment.answer_doorbells()
            self.failed = deployment.post(self.other_agent).id
            deployment.answer_doorbells()
        self.waiting = deployment.post(self.agent).id
        self.client = deployment.sdk()

    def names(self, **query: Any) -> list[str]:
        names = {self.completed: "completed", self.failed: "failed", self.waiting: "waiting"}
        return [names[run.id] for run in self.client.runs.list(**query)]


@pytest.fixture(scope="module")
def outcomes(deployments: Deployments) -> Outcomes:
    return Outcomes(deployments)


def test_runs_are_filtered(outcomes: Outcomes) -> None:
    agent, other_agent = outcomes.agent, outcomes.other_agent
    assert outcomes.names() == ["waiting", "failed", "completed"]
    assert outcomes.names(agent_id=agent) == ["waiting", "completed"]
    assert outcomes.names(agent_ids=[other_agent]) == ["failed"]
    assert outcomes.names(agent_ids=[agent, other_agent]) == ["waiting", "failed", "completed"]
    assert outcomes.names(agent_id=UNKNOWN_AGENT) == []
    assert outcomes.names(statuses=["completed"]) == ["completed"]
    assert outcomes.names(statuses=["completed", "failed"]) == ["failed", "completed"]
    assert outcomes.names(statuses=["cancelled"]) == []
    assert outcomes.names(active=True) == ["waiting"]
    assert outcomes.names(active=False) == ["waiting", "failed", "completed"]
    assert outcomes.names(background=True) == ["waiting", "failed", "completed"]
    assert outcomes.names(background=False) == []
    assert outcomes.names(stop_reason="end_turn") == ["completed"]
    assert outcomes.names(stop_reason="llm_api_error", agent_id=other_agent) == ["failed"]
    assert outcomes.names(conversation_id="conv-0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b") == []
    assert outcomes.names(ascending=True) == ["completed", "failed", "waiting"]
    assert outcomes.names(ascending=False, order="asc") == ["waiting", "failed", "completed"]


def test_filter_and_cursor_work_together(outcomes: Outcomes) -> None:
    assert outcomes.names(agent_id=outcomes.agent, after=outcomes.waiting) == ["completed"]
    assert outcomes.names(agent_id=outcomes.agent, after=outcomes.failed) == ["completed"]
    assert outcomes.names(agent_id=outcomes.agent, before=outcomes.completed, limit=1) == ["waiting"]
    assert outcomes.names(statuses=["completed", "created"], limit=1) == ["waiting", "completed"]


def test_rare_run_is_found_pages_behind_the_others(outcomes: Outcomes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "INDEX_PAGE", 1)
    assert outcomes.names(statuses=["completed"], limit=1) == ["completed"]
    assert outcomes.names(agent_id=outcomes.agent, statuses=["completed"]) == ["completed"]
    assert outcomes.names() == ["waiting", "failed", "completed"]


def test_agents_are_filtered(deployment: Deployment) -> None:
    client = deployment.sdk()
    for name, tags in {"Night Clerk": ["night"], "Day Clerk": ["day"], "Owl": ["night", "bird"], "Bob": []}.items():
        deployment.create_agent(name=name, tags=tags)

    def names(**query: Any) -> list[str]:
        return [agent.name for agent in client.agents.list(order="asc", **query)]

    assert names(name="Owl") == ["Owl"]
    assert names(name="owl") == []
    assert names(query_text="clerk") == ["Night Clerk", "Day Clerk"]
    assert names(tags=["night"]) == ["Night Clerk", "Owl"]
    assert names(tags=["bird", "day"]) == ["Day Clerk", "Owl"]
    assert names(tags=["night", "bird"], match_all_tags=True) == ["Owl"]
    assert names(tags=["no such tag"]) == []
    assert names(tags=["night"], limit=1) == ["Night Clerk", "Owl"]


def test_agents_come_fifty_at_a_time(deployment: Deployment) -> None:
    database = deployment.database
    for number in range(51):
        agent = Agent(f"{UNKNOWN_AGENT[:-2]}{number:02}", deployment.tenant, "Bob", "openai/x", "", START, START)
        database.dynamo.write(database.agents.create(agent))
    client = deployment.sdk()
    assert [len(page.items) for page in client.agents.list().iter_pages()][:2] == [50, 1]


def test_page_ends_before_it_is_too_large_for_an_answer(deployment: Deployment) -> None:
    for letter in "abc":
        deployment.create_agent(system=letter * 2_000_000)
    agents = deployment.sdk().agents
    assert [len(page.items) for page in agents.list().iter_pages()][:2] == [2, 1]
    assert [agent.system[0] for agent in agents.list(order="asc")] == ["a", "b", "c"]
    last = agents.list(limit=1, order="asc", after=agents.list(limit=1, order="asc").items[0].id).items[0]
    assert [agent.system[0] for agent in agents.list(before=last.id)] == ["c"]


def test_list_answer_is_a_bare_array(deployment: Deployment) -> None:
    http: httpx.Client = deployment.http()
    for path in ("/v1/agents/", "/v1/runs/"):
        response = http.get(path)
        assert response.headers["content-type"] == "application/json"
        assert read_json(response) == []
