"""A bearer token decides the tenant."""

import pytest
from botocore.exceptions import EndpointConnectionError
from letta_client import AuthenticationError

import authorizer
from intake.aws_failures import fail
from intake.deployment import UNKNOWN_AGENT, UNKNOWN_RUN, Deployment, Deployments, put_secret
from intake.refusals import assert_refused
from nightshift.domain.errors import TransientError
from support.events import load_event
from support.lambda_context import FakeLambdaContext
from support.letta_sdk import letta, plain_http

ENDPOINTS = [
    ("POST", "/v1/agents/"),
    ("GET", "/v1/agents/"),
    ("GET", f"/v1/agents/{UNKNOWN_AGENT}"),
    ("DELETE", f"/v1/agents/{UNKNOWN_AGENT}"),
    ("POST", f"/v1/agents/{UNKNOWN_AGENT}/messages/async"),
    ("GET", f"/v1/agents/{UNKNOWN_AGENT}/messages"),
    ("GET", "/v1/runs/"),
    ("GET", f"/v1/runs/{UNKNOWN_RUN}"),
    ("GET", f"/v1/runs/{UNKNOWN_RUN}/messages"),
    ("GET", f"/v1/runs/{UNKNOWN_RUN}/steps"),
    ("GET", f"/v1/runs/{UNKNOWN_RUN}/usage"),
    ("GET", "/v1/no-such-path"),
    ("PUT", "/v1/agents/"),
    ("GET", "/"),
]

TOKENS_OF_NOBODY = {
    "empty header": "",
    "scheme alone": "Bearer",
    "scheme and spaces": "Bearer   ",
    "token alone": "{token}",
    "wrong token": "Bearer wrong",
    "beginning of a token": "Bearer {token:.8}",
    "more than a token": "Bearer {token}s",
    "two tokens": "Bearer {token} {token}",
    "two tokens in a list": "Bearer {token},Bearer {token}",
    "other scheme": "Basic {token}",
    "tenant instead of token": "Bearer {tenant}",
    "token outside ASCII": "Bearer tökén",
}


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_every_endpoint_refuses_a_request_without_token(standing: Deployment, method: str, path: str) -> None:
    with standing.tries_no_write():
        assert_refused(plain_http(None).request(method, path), 401, "Unauthorized")
        assert_refused(plain_http("wrong").request(method, path, json={"input": 1}), 401, "Unauthorized")


@pytest.mark.parametrize("authorization", TOKENS_OF_NOBODY.values(), ids=TOKENS_OF_NOBODY)
def test_token_of_nobody_is_refused(standing: Deployment, authorization: str) -> None:
    value = authorization.format(token=standing.token, tenant=standing.tenant)
    response = plain_http(None).get("/v1/agents/", headers={b"authorization": value.encode()})
    assert_refused(response, 401, "Unauthorized")


@pytest.mark.parametrize("authorization", ["Bearer {}", "bearer {}", "BEARER  {} "])
def test_scheme_is_read_in_any_case(standing: Deployment, authorization: str) -> None:
    headers = {"authorization": authorization.format(standing.token)}
    assert plain_http(None).get("/v1/agents/", headers=headers).status_code == 200


@pytest.mark.parametrize("token", [None, "wrong"])
def test_sdk_raises_authentication_error(standing: Deployment, token: str | None) -> None:
    with pytest.raises(AuthenticationError):
        letta(token).agents.list()


@pytest.mark.parametrize("token", [None, "wrong", "token-of-tenant-0"])
def test_health_needs_no_token(standing: Deployment, token: str | None) -> None:
    health = letta(token).health()
    assert (health.status, bool(health.version)) == ("ok", True)


def test_every_token_of_a_tenant_opens_the_same_things(deployment: Deployment) -> None:
    stranger = deployment.stranger
    agent = stranger.create_agent()
    for token in (stranger.token, f"next-{stranger.token}"):
        assert letta(token).agents.retrieve(agent.id).id == agent.id


def test_tokens_are_read_once_for_many_requests(deployment: Deployment) -> None:
    for _ in range(5):
        list(deployment.sdk().agents.list())
    assert [call.operation for call in deployment.stack.calls].count("GetSecretValue") == 1


def test_header_is_read_in_any_case(deployment: Deployment) -> None:
    event = load_event("request_authorizer/bearer_token.json")
    del event["headers"]["authorization"]
    event["headers"]["Authorization"] = f"Bearer {deployment.token}"
    assert authorizer.lambda_handler(event, FakeLambdaContext())["context"]["tenant"] == deployment.tenant


def test_unreadable_tokens_are_a_failure_and_no_denial(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    down = EndpointConnectionError(endpoint_url="https://secretsmanager.eu-central-1.amazonaws.com")
    fail(monkeypatch, "GetSecretValue", always=down)
    with pytest.raises(TransientError):
        authorizer.lambda_handler(load_event("request_authorizer/bearer_token.json"), FakeLambdaContext())


@pytest.mark.parametrize("name", ["acme#eu", "#", "tenant-0#agent-1"])
def test_tenant_whose_name_would_mix_keys_is_nobody(deployments: Deployments, name: str) -> None:
    deployment = deployments.new()
    put_secret(deployment.stack, "ApiKeysSecret", deployments.api_keys | {name: "token-of-mixed"})
    assert_refused(plain_http("token-of-mixed").get("/v1/agents/"), 401, "Unauthorized")
    assert deployment.http().get("/v1/agents/").status_code == 200
