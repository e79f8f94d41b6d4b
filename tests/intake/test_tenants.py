"""Nobody sees another tenant's things: an id of another tenant answers exactly as an unknown one does (promise 12)."""

from typing import Any

import httpx
import pytest
from letta_client import NotFoundError

from intake.deployment import UNKNOWN_AGENT, UNKNOWN_MESSAGE, UNKNOWN_RUN, UNKNOWN_STEP, Deployments
from intake.refusals import assert_refused
from support.scripted_model.answers import Reply
from support.scripted_model.server import ScriptedModel


class Strangers:
    """Two tenants with an agent and a finished run each."""

    def __init__(self, deployments: Deployments) -> None:
        self.me = deployments.new()
        self.them = self.me.stranger
        self.my_agent, self.their_agent = self.me.create_agent().id, self.them.create_agent().id
        with ScriptedModel(Reply("hello"), Reply("hello")) as provider:
            self.me.point_at(provider)
            self.my_run, self.their_run = self.me.post(self.my_agent).id, self.them.post(self.their_agent).id
            self.me.answer_doorbells()
        self.their_message = self.them.sdk().runs.messages.list(self.their_run).items[0].id
        self.their_step = self.them.sdk().runs.steps.list(self.their_run).items[0].id

    def assert_alike(self, method: str, path: str, theirs: str, unknown: str, **request: Any) -> None:
        """Check that their id and one that nobody has get the same answer, apart from the id itself."""
        http = self.me.http()
        with self.me.writes_nothing():
            first = http.request(method, path.replace("<id>", theirs), **request)
            second = http.request(method, path.replace("<id>", unknown), **request)
        assert_refused(first, 404)
        assert second.status_code == 404
        assert _headers(first) == _headers(second)
        assert first.text.replace(theirs, unknown) == second.text


def _headers(response: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name != "content-length"}


@pytest.fixture(scope="module")
def strangers(deployments: Deployments) -> Strangers:
    return Strangers(deployments)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/agents/<id>"),
        ("DELETE", "/v1/agents/<id>"),
        ("GET", "/v1/agents/<id>/messages"),
        ("POST", "/v1/agents/<id>/messages/async"),
    ],
)
def test_agent_of_another_tenant_answers_like_an_unknown_one(strangers: Strangers, method: str, path: str) -> None:
    strangers.assert_alike(method, path, strangers.their_agent, UNKNOWN_AGENT, json={"input": "hello"})


@pytest.mark.parametrize("part", ["", "/messages", "/steps", "/usage"])
def test_run_of_another_tenant_answers_like_an_unknown_one(strangers: Strangers, part: str) -> None:
    strangers.assert_alike("GET", f"/v1/runs/<id>{part}", strangers.their_run, UNKNOWN_RUN)


@pytest.mark.parametrize("cursor", ["after", "before"])
def test_cursor_of_another_tenant_answers_like_an_unknown_one(strangers: Strangers, cursor: str) -> None:
    agent, run = strangers.my_agent, strangers.my_run
    for path, theirs, unknown in (
        ("/v1/agents/?", strangers.their_agent, UNKNOWN_AGENT),
        ("/v1/runs/?", strangers.their_run, UNKNOWN_RUN),
        (f"/v1/runs/?agent_id={agent}&", strangers.their_run, UNKNOWN_RUN),
        (f"/v1/runs/{run}/messages?", strangers.their_message, UNKNOWN_MESSAGE),
        (f"/v1/runs/{run}/steps?", strangers.their_step, UNKNOWN_STEP),
        (f"/v1/agents/{agent}/messages?", strangers.their_message, UNKNOWN_MESSAGE),
    ):
        strangers.assert_alike("GET", f"{path}{cursor}=<id>", theirs, unknown)


def test_lists_hold_the_tenants_own_things_only(strangers: Strangers) -> None:
    client = strangers.me.sdk()
    assert [agent.id for agent in client.agents.list()] == [strangers.my_agent]
    assert [run.id for run in client.runs.list()] == [strangers.my_run]
    assert list(client.runs.list(agent_id=strangers.their_agent)) == []
    both = [strangers.my_agent, strangers.their_agent]
    assert [run.id for run in client.runs.list(agent_ids=both)] == [strangers.my_run]


def test_agent_outlives_another_tenants_attempt_to_delete_it(strangers: Strangers) -> None:
    with pytest.raises(NotFoundError):
        strangers.me.sdk().agents.delete(strangers.their_agent)
    assert strangers.them.sdk().agents.retrieve(strangers.their_agent).id == strangers.their_agent
