"""Which paths there are: both slash forms of each, 405 for a wrong method, 404 for the rest."""

import pytest

from intake.deployment import UNKNOWN_AGENT, UNKNOWN_RUN, Deployment
from intake.refusals import assert_refused, read_json
from support.scripted_model.server import ScriptedModel

ALLOWED = {
    "/v1/health": {"GET"},
    "/v1/agents": {"GET", "POST"},
    f"/v1/agents/{UNKNOWN_AGENT}": {"GET", "PATCH", "DELETE"},
    f"/v1/agents/{UNKNOWN_AGENT}/messages": {"GET", "POST"},
    f"/v1/agents/{UNKNOWN_AGENT}/messages/async": {"POST"},
    "/v1/runs": {"GET"},
    f"/v1/runs/{UNKNOWN_RUN}": {"GET", "DELETE"},
    f"/v1/runs/{UNKNOWN_RUN}/messages": {"GET"},
    f"/v1/runs/{UNKNOWN_RUN}/steps": {"GET"},
    f"/v1/runs/{UNKNOWN_RUN}/usage": {"GET"},
}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW")
WRONG_METHODS = [(method, path) for path, allowed in ALLOWED.items() for method in METHODS if method not in allowed]


@pytest.mark.parametrize(("method", "path"), WRONG_METHODS)
@pytest.mark.parametrize("slash", ["", "/"])
def test_wrong_method_is_refused(standing: Deployment, method: str, path: str, slash: str) -> None:
    response = standing.http().request(method, path + slash, content=b"{")
    assert_refused(response, 405, "Method Not Allowed")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v2/agents",
        "/V1/agents",
        "/v1/agent",
        "/v1/agents.json",
        "/v1//agents",
        f"/v1/agents/{UNKNOWN_AGENT}/messages/sync",
        f"/v1/agents/{UNKNOWN_AGENT}%2Fmessages%2Fasync/x",
        f"/v1/runs/{UNKNOWN_RUN}/messages/{UNKNOWN_RUN}",
        "/v1/agents/%2E%2E/secrets",
        "/v1/%00",
        "/v1/ages\u0301",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_path_is_not_found(standing: Deployment, method: str, path: str) -> None:
    with standing.tries_no_write():
        assert_refused(standing.http().request(method, path, json={}), 404, "Not Found")


@pytest.mark.parametrize(
    "malformed",
    ["1", "run-1", UNKNOWN_AGENT, UNKNOWN_RUN.upper(), f"{UNKNOWN_RUN}%0A", "run-%C3%BC%22", "%00", "x" * 3_000],
)
@pytest.mark.parametrize("part", ["", "/messages", "/steps", "/usage"])
def test_malformed_run_id_is_an_invalid_argument(standing: Deployment, malformed: str, part: str) -> None:
    response = standing.http().get(f"/v1/runs/{malformed}{part}")
    assert_refused(response, 400)
    assert read_json(response)["detail"].startswith("INVALID_ARGUMENT: Invalid run ID format: ")


@pytest.mark.parametrize(
    "malformed", ["1", "agent-1", UNKNOWN_RUN, f"{UNKNOWN_AGENT}%0A", "agent-%C3%BC%22", "x" * 3_000]
)
@pytest.mark.parametrize(("method", "part"), [("GET", ""), ("DELETE", ""), ("GET", "/messages")])
def test_malformed_agent_id_is_refused(standing: Deployment, malformed: str, method: str, part: str) -> None:
    response = standing.http().request(method, f"/v1/agents/{malformed}{part}")
    assert_refused(response, 422)
    assert read_json(response)["detail"][0]["loc"] == ["path", "agent_id"]


@pytest.mark.parametrize("part", ["", "/messages", "/steps", "/usage"])
def test_unknown_run_is_not_found(standing: Deployment, part: str) -> None:
    response = standing.http().get(f"/v1/runs/{UNKNOWN_RUN}{part}")
    assert_refused(response, 404, f"Run not found: {UNKNOWN_RUN}")


@pytest.mark.parametrize(("method", "part"), [("GET", ""), ("DELETE", ""), ("GET", "/messages")])
def test_unknown_agent_is_not_found(standing: Deployment, method: str, part: str) -> None:
    with standing.writes_nothing():
        response = standing.http().request(method, f"/v1/agents/{UNKNOWN_AGENT}{part}")
    assert_refused(response, 404)
    assert UNKNOWN_AGENT in read_json(response)["detail"]


def test_both_slash_forms_give_the_same_answer(deployment: Deployment, provider: ScriptedModel) -> None:
    agent = deployment.create_agent()
    run = deployment.post(agent.id)
    deployment.answer_doorbells()
    http = deployment.http()
    for path in (
        "/v1/health",
        "/v1/agents",
        f"/v1/agents/{agent.id}",
        f"/v1/agents/{agent.id}/messages",
        "/v1/runs",
        f"/v1/runs/{run.id}",
        f"/v1/runs/{run.id}/messages",
        f"/v1/runs/{run.id}/steps",
        f"/v1/runs/{run.id}/usage",
    ):
        without, with_slash = http.get(path), http.get(f"{path}/")
        assert without.status_code == with_slash.status_code == 200
        assert without.content == with_slash.content
        assert http.get(f"{path}/?limit=1").status_code == 200


@pytest.mark.parametrize("slash", ["", "/"])
def test_both_slash_forms_create_accept_and_delete(deployment: Deployment, slash: str) -> None:
    http = deployment.http()
    created = http.post(f"/v1/agents{slash}", json={"model": "openai/scripted"})
    agent_id = read_json(created)["id"]
    accepted = http.post(f"/v1/agents/{agent_id}/messages/async{slash}", json={"input": "hello"})
    deleted = http.delete(f"/v1/agents/{agent_id}{slash}")
    assert [created.status_code, accepted.status_code, deleted.status_code] == [200, 200, 200]
