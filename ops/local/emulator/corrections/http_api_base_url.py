"""The stack's HTTP API is reached at the emulator's plain address: ``http://127.0.0.1:4566/v1/...``.

AWS: an HTTP API has a host name of its own, so its URL is the ``base_url`` of a client.

Stock MiniStack: it is reached by ``http://<id>.execute-api.localhost:4566`` (which Python's resolver does not
resolve) or ``/_aws/execute-api/<id>/$default/...``; an unsigned ``/v1/...`` is taken for an S3 bucket named ``v1``.

Unsigned requests below /v1/, and for the page /docs, go to the oldest HTTP API with a ``$default`` stage. AWS clients
always sign, so a service with paths of that prefix (MediaConnect, MSK, AppSync) or a bucket of that name is still
reached.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import Any

import ministack.app
from ministack.services import apigateway

from emulator.expectations import expect_parameters, expect_source

API_PREFIX = "/v1/"
API_PAGE = "/docs"

type Scope = dict[str, Any]
type Application = Callable[[Scope, Any, Any], Awaitable[None]]


def apply() -> None:
    """Rewrite the path of such a request before MiniStack routes it."""
    expect_parameters(ministack.app.app, "scope", "receive", "send")
    expect_source(ministack.app._parse_execute_api_url, "/_aws/execute-api/")
    expect_source(ministack.app.main, "hypercorn_serve(app, config)")
    stock: Application = ministack.app.app

    @functools.wraps(stock)
    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and _is_of_the_api(scope["path"]) and not _is_signed(scope):
            scope = _addressed_to_http_api(scope)
        await stock(scope, receive, send)

    ministack.app.app = app


def _is_of_the_api(path: str) -> bool:
    return path.startswith(API_PREFIX) or path.rstrip("/") == API_PAGE


def _is_signed(scope: Scope) -> bool:
    headers = {name.lower(): value for name, value in scope["headers"]}
    return (
        headers.get(b"authorization", b"").startswith(b"AWS4-HMAC-SHA256")
        or b"x-amz-target" in headers
        or b"X-Amz-Signature" in scope["query_string"]
        or b".execute-api." in headers.get(b"host", b"")
    )


def _addressed_to_http_api(scope: Scope) -> Scope:
    api_id = _oldest_http_api()
    if api_id is None:
        return scope
    prefix = f"/_aws/execute-api/{api_id}/$default"
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return {**scope, "path": prefix + scope["path"], "raw_path": prefix.encode() + raw_path}


def _oldest_http_api() -> str | None:
    with_default_stage = {api_id for (*_, api_id), stages in apigateway._stages.all_items() if "$default" in stages}
    for (*_, api_id), api in apigateway._apis.all_items():
        if api.get("protocolType") == "HTTP" and api_id in with_default_stage:
            return str(api_id)
    return None
