"""Services that fail while a request is served: what is accepted is kept, the rest asks to come back (promise 2)."""

import pytest
from letta_client import InternalServerError

from intake.aws_failures import conflict, fail, no_connection, throttled
from intake.deployment import Deployment
from intake.refusals import assert_refused
from nightshift.storage import dynamo


def test_run_is_accepted_and_due_although_the_queue_is_down(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = deployment.create_agent()
    for error in (no_connection(), throttled("SendMessage")):
        fail(monkeypatch, "SendMessage", error)
        run = deployment.post(agent.id)
        assert deployment.sdk().runs.retrieve(run.id).status == "created"
    assert deployment.stack.messages("RunQueue") == []
    assert deployment.is_due(agent.id)


def test_agent_is_deleted_although_the_queue_is_down(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = deployment.create_agent()
    fail(monkeypatch, "SendMessage", no_connection())
    deployment.sdk().agents.delete(agent.id)
    assert deployment.is_due(agent.id)


def test_conflicting_transaction_is_repeated(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = deployment.create_agent()
    fail(monkeypatch, "TransactWriteItems", conflict(3), conflict(3))
    run = deployment.post(agent.id)
    assert deployment.sdk().runs.list().items == [run]
    conversation = deployment.database.conversations.get(deployment.tenant, agent.id)
    assert conversation
    assert conversation.waiting == (run.id,)


def test_transaction_that_never_gets_through_asks_to_come_back(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = deployment.create_agent()
    monkeypatch.setattr(dynamo, "CONFLICT_PATIENCE_SECONDS", 0)
    fail(monkeypatch, "TransactWriteItems", always=conflict(3))
    for path, body in (
        (f"/v1/agents/{agent.id}/messages/async", {"input": "hello"}),
        ("/v1/agents/", {"model": "openai/x"}),
    ):
        with deployment.writes_nothing():
            response = deployment.http().post(path, json=body)
        assert_refused(response, 503)
        assert int(response.headers["retry-after"]) >= 1
    with deployment.writes_nothing(), pytest.raises(InternalServerError):
        deployment.post(agent.id)


@pytest.mark.parametrize("operation", ["GetItem", "Query"])
def test_read_without_answer_asks_to_come_back(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    fail(monkeypatch, operation, always=throttled(operation))
    path = f"/v1/agents/{deployment.create_agent().id}" if operation == "GetItem" else "/v1/runs/"
    response = deployment.http().get(path)
    assert_refused(response, 503)
    assert response.headers["retry-after"]


def test_large_request_that_the_bucket_refuses_is_not_accepted(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = deployment.create_agent()
    fail(monkeypatch, "PutObject", always=throttled("PutObject"))
    with deployment.writes_nothing():
        response = deployment.http().post(f"/v1/agents/{agent.id}/messages/async", json={"input": "x" * 100_000})
    assert_refused(response, 503)
