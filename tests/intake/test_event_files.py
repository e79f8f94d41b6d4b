"""The files of `events/`, which `sam local invoke` uses too: each is what AWS sends, and its function answers it."""

import base64
from pathlib import Path
from typing import Any

import httpx
import pytest

import authorizer
import http_api
from intake.deployment import Deployment, put_secret
from intake.refusals import assert_refused, read_json
from nightshift.domain.agent import Agent
from support.events import load_event
from support.lambda_context import FakeLambdaContext
from support.letta_sdk import BASE_URL, to_event
from support.stored_runs import AGENT_ID, COMPLETED_AT, RUN_ID, ended_run, store_ended_run

EVENTS = Path(__file__).parents[2] / "events"

STATUSES = {
    "agent_messages": 200,
    "bad_token": 401,
    "body_without_content_type": 200,
    "create_agent": 200,
    "create_async_run": 200,
    "create_async_run_with_curl": 200,
    "delete_agent": 200,
    "get_agent": 200,
    "get_run": 200,
    "health": 200,
    "list_agents": 200,
    "list_runs": 200,
    "malformed_json": 422,
    "recorded": 200,
    "run_messages": 200,
    "run_steps": 200,
    "run_usage": 200,
    "wrong_method": 405,
}

TENANTS = {
    "bad_token": "",
    "basic_credentials": "",
    "bearer_token": "default",
    "no_token": "",
    "recorded": "default",
    "second_token_of_a_tenant": "other",
}


def _names(function: str) -> list[str]:
    return sorted(path.stem for path in (EVENTS / function).iterdir())


@pytest.fixture
def stored(deployment: Deployment) -> Deployment:
    """Have the agent and the run that the files speak of."""
    tenant = deployment.tenant
    agent = Agent(AGENT_ID, tenant, "Clerk", "openai/scripted", "Be brief.", COMPLETED_AT, COMPLETED_AT)
    database = deployment.database
    database.transact([database.agents.create(agent), database.conversations.create(tenant, AGENT_ID, AGENT_ID)])
    store_ended_run(database, "https://hooks.example.org/letta", COMPLETED_AT, ended_run(tenant=tenant))
    return deployment


def test_every_file_has_an_expected_answer() -> None:
    assert _names("http_api") == sorted(STATUSES)
    assert _names("request_authorizer") == sorted(TENANTS)


@pytest.mark.parametrize("name", _names("http_api"))
def test_http_api_answers_the_file(stored: Deployment, name: str) -> None:
    event = load_event(f"http_api/{name}.json")
    verdict = event["requestContext"].get("authorizer", {}).get("lambda", {})
    verdict |= {"tenant": stored.tenant} if verdict.get("tenant") else {}
    answer = http_api.lambda_handler(event, FakeLambdaContext())
    response = httpx.Response(answer["statusCode"], headers=answer["headers"], text=answer["body"])
    assert response.status_code == STATUSES[name], response.text
    if response.status_code == 200:
        assert isinstance(read_json(response), dict | list)
    else:
        assert_refused(response, STATUSES[name])
    if name == "get_run":
        assert read_json(response)["id"] == RUN_ID


@pytest.mark.parametrize("name", _names("request_authorizer"))
def test_authorizer_answers_the_file(deployment: Deployment, name: str) -> None:
    tokens = {"default": "token-of-default", "other": ["token-of-other", "next-token-of-other"]}
    put_secret(deployment.stack, "ApiKeysSecret", tokens)
    verdict = authorizer.lambda_handler(load_event(f"request_authorizer/{name}.json"), FakeLambdaContext())
    assert verdict == {"isAuthorized": True, "context": {"tenant": TENANTS[name], "intake": "open"}}


@pytest.mark.parametrize("name", [name for name in _names("http_api") if name != "recorded"])
def test_file_has_the_shape_of_the_events_that_the_tests_make(name: str) -> None:
    event = load_event(f"http_api/{name}.json")
    http, headers = event["requestContext"]["http"], event["headers"]
    url = f"{BASE_URL}{event['rawPath']}?{event['rawQueryString']}".removesuffix("?")
    made = to_event(httpx.Request(http["method"], url, headers=headers, content=_content(event)))
    for ephemeral in ("requestId", "time", "timeEpoch", "authorizer"):
        event["requestContext"].pop(ephemeral, None)
        made["requestContext"].pop(ephemeral, None)
    assert made == event


def _content(event: dict[str, Any]) -> bytes:
    body = event.get("body", "")
    return base64.b64decode(body) if event["isBase64Encoded"] else body.encode()
