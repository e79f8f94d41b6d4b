"""The official SDK, and plain HTTP, against the real handlers in process.

A request becomes the event that API Gateway makes of it (HTTP API, payload 2.0), passes request_authorizer and
http_api, and the answer comes back as HTTP. What Lambda puts between is kept: both sides are JSON of at most 6 MB.
"""

import base64
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import httpx
from letta_client import Letta

import authorizer
import http_api
from support.lambda_context import FakeLambdaContext

type Json = dict[str, Any]

BASE_URL: Final = "https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com"

MAX_PAYLOAD_BYTES: Final = 6_291_556
"""What a synchronous invocation takes and gives (Lambda quotas); more ends in an error that is not the API's."""

_TEXT_TYPES: Final = ("text/", "application/json", "application/xml", "application/javascript")
"""Content types whose body arrives as text; API Gateway encodes every other, and a missing one, in base64."""

_ROUTES_WITHOUT_TOKEN: Final = ("GET /v1/health", "GET /v1/health/", "GET /v1/openapi.json", "GET /docs")


class InProcessApi(httpx.BaseTransport):
    """Answers HTTP requests with the two functions of the intake stage."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        event = to_event(request)
        if event["routeKey"] not in _ROUTES_WITHOUT_TOKEN:
            verdict = authorizer.lambda_handler(_over_the_wire(event), FakeLambdaContext())
            assert verdict["isAuthorized"], "a denial would be answered by API Gateway, in its own words"
            event["requestContext"]["authorizer"] = {"lambda": verdict["context"]}
        answer = _over_the_wire(http_api.lambda_handler(_over_the_wire(event), FakeLambdaContext()))
        return httpx.Response(answer["statusCode"], headers=answer["headers"], text=answer["body"])


def letta(token: str | None, **options: Any) -> Letta:
    """Return the SDK as a user makes it, strict about every answer and without retries unless told otherwise."""
    settings: Json = {"max_retries": 0, "_strict_response_validation": True, **options}
    return Letta(base_url=BASE_URL, api_key=token, http_client=_client(), **settings)


def plain_http(token: str | None) -> httpx.Client:
    """Return a client for requests that the SDK would not send."""
    client = _client()
    client.headers = httpx.Headers({"authorization": f"Bearer {token}"} if token else {})
    return client


def _client() -> httpx.Client:
    return httpx.Client(transport=InProcessApi(), base_url=BASE_URL)


def to_event(request: httpx.Request) -> Json:
    """Return the event of payload 2.0: a decoded path, lower-case headers, repeated keys joined with commas."""
    path, query, now = request.url.path, request.url.query.decode("ascii"), datetime.now(UTC)
    route_key = f"{request.method} {path}"
    is_open = route_key in _ROUTES_WITHOUT_TOKEN
    headers = {name: ",".join(request.headers.get_list(name)) for name in request.headers}
    event: Json = {
        "version": "2.0",
        "routeKey": route_key if is_open else "ANY /{proxy+}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers | {"x-forwarded-for": "192.0.2.7", "x-forwarded-port": "443", "x-forwarded-proto": "https"},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": request.url.host.partition(".")[0],
            "domainName": request.url.host,
            "domainPrefix": request.url.host.partition(".")[0],
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7",
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": route_key if is_open else "ANY /{proxy+}",
            "stage": "$default",
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        **_body(request.read(), headers.get("content-type", "")),
    }
    if query:
        event["queryStringParameters"] = _joined(query)
    if not is_open:
        event["pathParameters"] = {"proxy": path.removeprefix("/")}
    return event


def _joined(query: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body(content: bytes, content_type: str) -> Json:
    if not content:
        return {"isBase64Encoded": False}
    try:
        text = content.decode() if content_type.startswith(_TEXT_TYPES) else None
    except UnicodeDecodeError:
        text = None
    if text is None:
        return {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}
    return {"body": text, "isBase64Encoded": False}


def _over_the_wire(payload: Mapping[str, Any]) -> Json:
    """Do what the Lambda runtime does with an event or an answer: JSON in UTF-8, of a limited size."""
    data = json.dumps(payload, ensure_ascii=False).encode()
    assert len(data) <= MAX_PAYLOAD_BYTES, f"Lambda refuses {len(data)} bytes"
    received: Json = json.loads(data)
    return received
