"""The one map from errors to HTTP answers. Every answer has a `detail`; none shows an internal."""

import json
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver, Response
from pydantic import ValidationError

from nightshift.domain.errors import ConflictError, RequestError, TooManyRequestsError, TransientError
from nightshift.telemetry import logger

UNAVAILABLE_RETRY_SECONDS = 2
"""What a client is told to wait when a service of ours did not answer; the SDK repeats on 503 by itself."""

MAX_ECHOED_CHARS = 200
"""Characters of a refused value that its error shows."""


def answer(status: int, body: Any, headers: dict[str, str] | None = None) -> Response[str]:
    """Return a JSON answer."""
    return Response(status, "application/json", json.dumps(body, ensure_ascii=False), dict(headers or {}))


def install(app: ApiGatewayResolver) -> None:
    """Make the resolver answer errors with this map."""
    app.exception_handler(ValidationError)(_refused)
    app.exception_handler(RequestError)(_request_error)
    app.exception_handler(TransientError)(_unavailable)
    app.exception_handler(Exception)(_bug)


def _refused(error: ValidationError) -> Response[str]:
    found = [
        {"type": one["type"], "loc": list(one["loc"]), "msg": one["msg"], "input": _echo(one["input"])}
        for one in error.errors(include_url=False, include_context=False)
    ]
    return answer(422, {"detail": found})


def _echo(value: Any) -> Any:
    """Return what the client sent, if it is short and JSON; its beginning otherwise."""
    if value is None or isinstance(value, bool | int):
        return value
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= MAX_ECHOED_CHARS else f"{text[:MAX_ECHOED_CHARS]}…"


def _request_error(error: RequestError) -> Response[str]:
    headers: dict[str, str] = {}
    match error:
        case TooManyRequestsError(retry_after_seconds=seconds):
            headers = {"Retry-After": str(seconds)}
        case ConflictError():
            headers = {"x-should-retry": "false"}
    return answer(error.status, {"detail": str(error)}, headers)


def _unavailable(error: TransientError) -> Response[str]:
    logger.warning("request not served", reason=str(error))
    detail = "A service that this request needs did not answer; nothing is lost, send it again"
    return answer(503, {"detail": detail}, {"Retry-After": str(UNAVAILABLE_RETRY_SECONDS)})


def _bug(error: Exception) -> Response[str]:
    logger.exception("request failed", exc_info=error)
    return answer(500, {"detail": "An unknown error occurred"})
