"""Probes http_api_base_url: the stack's API at the emulator's plain address.

Each test has an emulator of its own, because the oldest API is the one that answers.
"""

from embedded_aws import EmbeddedAws, http_api

CORRECTION = "http_api_base_url"
ECHO = "def handler(event, context): return event['rawPath']"


def test_unsigned_v1_request_reaches_the_http_api(aws_to_restart: EmbeddedAws, stack_name: str) -> None:
    aws_to_restart.deploy(stack_name, http_api(ECHO, "/v1/{proxy+}"))
    assert aws_to_restart.get("/v1/agents/?limit=1", authorization="Bearer good") == (200, "/v1/agents/")


def test_unsigned_request_for_the_page_reaches_the_http_api(aws_to_restart: EmbeddedAws, stack_name: str) -> None:
    aws_to_restart.deploy(stack_name, http_api(ECHO, "/docs"))
    assert aws_to_restart.get("/docs", authorization="Bearer good") == (200, "/docs")


def test_signed_v1_request_reaches_its_aws_service(aws_to_restart: EmbeddedAws, stack_name: str) -> None:
    aws_to_restart.deploy(stack_name, http_api(ECHO, "/v1/{proxy+}"))
    assert aws_to_restart.client("mediaconnect").list_flows()["Flows"] == []
    assert aws_to_restart.get("/v1/flows", authorization="Bearer good") == (200, "/v1/flows")
