"""Probes http_api_body: routes, authorizers and CORS of an HTTP API's body."""

import json

import pytest
from embedded_aws import EmbeddedAws, http_api

CORRECTION = "http_api_body"
ECHO = """
import json
def handler(event, context):
    return {"statusCode": 200, "body": json.dumps({"path": event["rawPath"], "parameters": event["pathParameters"]})}
"""


def test_routes_and_authorizers_of_the_body_exist(aws: EmbeddedAws, stack_name: str) -> None:
    api_id = aws.deploy(stack_name, http_api(ECHO, "/items/{id}"))["Api"]
    path = f"/_aws/execute-api/{api_id}/$default/items/7"
    expected = {"path": "/items/7", "parameters": {"id": "7"}}
    assert aws.get(path, authorization="Bearer good") == (200, json.dumps(expected))
    assert aws.get(path, authorization="Bearer bad") == (403, '{"message": "Forbidden"}')


def test_cors_of_the_template_applies(aws: EmbeddedAws, stack_name: str) -> None:
    cors = {"AllowOrigins": ["https://example.org"], "AllowMethods": ["GET"]}
    api_id = aws.deploy(stack_name, http_api(ECHO, "/items/{id}", CorsConfiguration=cors))["Api"]
    path = f"/_aws/execute-api/{api_id}/$default/items/7"
    status, _ = aws.get(path, "OPTIONS", origin="https://example.org", access_control_request_method="GET")
    assert status in {200, 204}


@pytest.mark.both_ways
def test_unknown_api_answers_404(aws: EmbeddedAws) -> None:
    assert aws.get("/_aws/execute-api/nothere/$default/items/7") == (404, '{"message": "Not Found"}')
