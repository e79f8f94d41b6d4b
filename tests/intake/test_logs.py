"""What the two functions log: every line with its request's id, none with content or a token."""

import json
from io import StringIO
from typing import Any

import pytest

from intake.aws_failures import fail, no_connection
from intake.deployment import UNKNOWN_AGENT, Deployment
from nightshift.telemetry import logger
from support.letta_sdk import plain_http

SECRET = "the-number-of-my-card"


class Log:
    """Lines logged since the test began."""

    def __init__(self) -> None:
        self.stream = StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def line(self, message: str) -> dict[str, Any]:
        (found,) = [line for line in self.lines if line["message"] == message]
        return found


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Log:
    log = Log()
    monkeypatch.setattr(logger.registered_handler, "stream", log.stream)
    return log


def test_accepted_run_is_one_line_that_names_it(deployment: Deployment, log: Log) -> None:
    agent = deployment.create_agent()
    run = deployment.post(agent.id)
    line = log.line("run accepted")
    assert (line["run_id"], line["agent_id"], line["tenant"]) == (run.id, agent.id, deployment.tenant)
    assert line["level"] == "INFO"


def test_every_line_has_the_correlation_id_of_its_request(deployment: Deployment, log: Log) -> None:
    deployment.post(deployment.create_agent().id)
    plain_http("wrong").get("/v1/agents/")
    deployment.http().get(f"/v1/agents/{UNKNOWN_AGENT}")
    answered = [line for line in log.lines if line["message"] == "request answered"]
    assert [line["status"] for line in answered] == [200, 200, 401, 404]
    assert len({line["correlation_id"] for line in answered}) == 4
    assert {line["correlation_id"] for line in log.lines} == {line["correlation_id"] for line in answered}


def test_correlation_id_goes_with_the_doorbell_and_the_request(deployment: Deployment, log: Log) -> None:
    run = deployment.post(deployment.create_agent().id)
    (message,) = deployment.stack.messages("RunQueue")
    stored = deployment.database.runs.get(deployment.tenant, run.id)
    assert stored
    correlation_id = log.line("run accepted")["correlation_id"]
    assert json.loads(message["Body"])["correlation_id"] == correlation_id
    assert deployment.database.runs.get_request(stored).correlation_id == correlation_id


def test_tenant_of_one_request_is_not_on_the_lines_of_the_next(deployment: Deployment, log: Log) -> None:
    deployment.create_agent()
    plain_http("wrong").get("/v1/agents/")
    assert "tenant" not in log.lines[-1]


def test_neither_content_nor_token_is_logged(deployment: Deployment, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = deployment.create_agent(system=SECRET, memory_blocks=[{"label": "human", "value": SECRET}])
    deployment.post(agent.id, SECRET, override_system=SECRET)
    path = f"/v1/agents/{agent.id}/messages/async"
    http = deployment.http()
    for body in ({"input": [SECRET]}, {"messages": [{"role": SECRET, "content": SECRET}]}, {"max_steps": SECRET}):
        http.post(path, json=body)
    http.post(path, content=f'{{"input": "{SECRET}'.encode(), headers={"content-type": "application/json"})
    http.post(f"/v1/agents/{UNKNOWN_AGENT}/messages/async", json={"input": SECRET})
    plain_http(SECRET).post(path, json={"input": SECRET})
    fail(monkeypatch, "TransactWriteItems", RuntimeError("a bug"), no_connection())
    assert [http.post(path, json={"input": SECRET}).status_code for _ in range(2)] == [500, 503]

    assert log.line("request failed")["level"] == "ERROR"
    assert log.line("request not served")["level"] == "WARNING"
    assert SECRET not in log.text
    assert deployment.token not in log.text


def test_bug_answers_500_without_a_word_about_it(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    fail(monkeypatch, "TransactWriteItems", RuntimeError("a bug"))
    response = deployment.http().post("/v1/agents/", json={"model": "openai/scripted"})
    assert response.status_code == 500
    assert response.json() == {"detail": "An unknown error occurred"}
