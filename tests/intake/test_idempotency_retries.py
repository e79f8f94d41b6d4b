"""What the official SDK sends again by itself becomes no second run (promise 9; docs/adr/0011-idempotency.md)."""

from datetime import timedelta

import httpx
import pytest
from letta_client import Letta

from intake.deployment import READS, Deployment
from intake.executed_runs import execute
from intake.refusals import read_json
from intake.repetitions import Send, count_runs, hands, ids_of, send
from support.aws_tables import client_of
from support.letta_sdk import letta
from support.scripted_model.answers import Reply
from support.scripted_model.server import ScriptedModel

__all__ = ["hands", "send"]


def test_retry_of_the_sdk_finds_the_run_that_waits(deployment: Deployment, send: Send) -> None:
    first = send(x_stainless_retry_count="0")
    deployment.stack.calls.clear()
    second = send(x_stainless_retry_count="1")
    assert read_json(second) == read_json(first)
    assert {call.operation for call in deployment.stack.calls} <= READS


def test_retry_of_the_sdk_finds_the_run_that_is_done(
    deployment: Deployment, send: Send, provider: ScriptedModel
) -> None:
    (run_id,) = ids_of(send())
    deployment.answer_doorbells()
    second = send(x_stainless_retry_count="2")
    assert (read_json(second)["id"], read_json(second)["status"]) == (run_id, "completed")
    assert len(provider.requests) == 1


def test_retry_finds_the_newest_of_several_equal_runs(send: Send) -> None:
    first, second = ids_of(send(), send())
    assert first != second
    assert ids_of(send(x_stainless_retry_count="1")) == [second]


def test_retry_with_another_body_is_a_new_request(send: Send) -> None:
    first, second = ids_of(send(), send({"input": "goodbye"}, x_stainless_retry_count="1"))
    assert first != second


def test_retry_after_two_minutes_is_a_new_request(send: Send, hands: list[timedelta]) -> None:
    (first,) = ids_of(send())
    hands[0] = timedelta(seconds=118)
    assert ids_of(send(x_stainless_retry_count="1")) == [first]
    hands[0] = timedelta(seconds=122)
    assert ids_of(send(x_stainless_retry_count="1")) != [first]


def test_first_attempt_that_never_came_is_no_loss(deployment: Deployment, send: Send) -> None:
    ids_of(send(x_stainless_retry_count="1"))
    assert count_runs(deployment) == 1


@pytest.mark.parametrize("count", ["", "0", "-1", "one", "1.5", "9" * 50])
def test_count_that_is_none_is_a_first_attempt(send: Send, count: str) -> None:
    first, second = ids_of(send(), send(x_stainless_retry_count=count))
    assert first != second


def test_retry_does_not_find_another_agents_run(deployment: Deployment) -> None:
    headers = {"x-stainless-retry-count": "1"}
    paths = [f"/v1/agents/{deployment.create_agent().id}/messages/async" for _ in range(2)]
    first, second = ids_of(*(deployment.http().post(path, json={"input": "x"}, headers=headers) for path in paths))
    assert first != second


class _LosesTheFirstAnswer(httpx.BaseTransport):
    """Lets the first request to the async endpoint through and loses its answer, as a broken connection does."""

    def __init__(self, http: httpx.BaseTransport) -> None:
        self._http = http
        self.lost = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._http.handle_request(request)
        if request.url.path.endswith("/async") and not self.lost:
            self.lost += 1
            raise httpx.ReadError("the connection broke", request=request)
        return response


def test_official_sdk_that_lost_an_answer_makes_one_run(deployment: Deployment) -> None:
    agent_id = deployment.create_agent().id
    client: Letta = letta(deployment.token, max_retries=2)
    transport = _LosesTheFirstAnswer(client._client._transport)
    client._client._transport = transport
    run = client.agents.messages.create_async(agent_id, input="hello")
    assert transport.lost == 1
    assert count_runs(deployment) == 1
    assert deployment.sdk().runs.retrieve(run.id) == run


def test_run_item_of_an_older_version_is_no_match(deployment: Deployment, provider: ScriptedModel, send: Send) -> None:
    run = execute(deployment, provider, Reply("yes"))
    client_of("dynamodb").update_item(
        TableName="RunsTable",
        Key={"pk": {"S": f"{deployment.tenant}#{run.id}"}, "sk": {"S": "run"}},
        UpdateExpression="REMOVE body_hash",
    )
    path = f"/v1/agents/{run.agent_id}/messages/async"
    response = deployment.http().post(path, json={"input": "hello"}, headers={"x-stainless-retry-count": "1"})
    assert ids_of(response) != [run.id]
