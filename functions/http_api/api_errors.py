"""The one map from errors to HTTP answers. Every answer has a `detail`; none shows an internal."""

import json
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import ApiGatewayResolver, Response
from pydantic import ValidationError

from nightshift.domain.errors import (
    ConflictError,
    IntakePausedError,
    RequestError,
    TooManyRequestsError,
    TransientError,
)
from nightshift.telemetry import executing_version, logger, measured

UNAVAILABLE_RETRY_SECONDS = 2
"""What a client is told to wait when a service of ours did not answer; the SDK repeats on 503 by itself."""

MAX_ECHOED_CHARS = 200
"""Characters of a refused value, and of a key on the way to it, that its error shows."""


def answer(status: int, body: Any, headers: dict[str, str] | None = None) -> Response[str]:
    """Return a JSON answer."""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False)
    # Half a surrogate pair, as an odd query string may hold one, has no place in UTF-8.
    return Response(status, "application/json", text.encode("utf-8", "replace").decode(), dict(headers or {}))


def install(app: ApiGatewayResolver) -> None:
    """Make the resolver answer errors with this map."""
    app.exception_handler(ValidationError)(_refused)
    app.exception_handler(RequestError)(_request_error)
    app.exception_handler(TransientError)(_unavailable)
    app.exception_handler(Exception)(_bug)


def _refused(error: ValidationError) -> Response[str]:
    found = [
        {"type": one["type"], "loc": [*map(_echo, one["loc"])], "msg": one["msg"], "input": _echo(one["input"])}
        for one in error.errors(include_url=False, include_context=False)
    ]
    return answer(422, {"detail": found})


def _echo(value: Any) -> Any:
    """Return what the client sent, if it is short and JSON; its beginning otherwise."""
    text = value if isinstance(value, str) else repr(value)
    if len(text) > MAX_ECHOED_CHARS:
        return f"{text[:MAX_ECHOED_CHARS]}…"
    return value if value is None or isinstance(value, bool | int) else text


def _request_error(error: RequestError) -> Response[str]:
    headers: dict[str, str] = {}
    match error:
        case TooManyRequestsError(retry_after_seconds=seconds) | IntakePausedError(retry_after_seconds=seconds):
            headers = {"Retry-After": str(seconds)}
        case ConflictError():
            headers = {"x-should-retry": "false"}
    return answer(error.status, {"detail": error.detail}, headers)


def _unavailable(error: TransientError) -> Response[str]:
    logger.warning("request not served", reason=str(error), **measured({"ServiceFailures": 1}))
    detail = "A service that this request needs did not answer; nothing is lost, send it again"
    return answer(503, {"detail": detail}, {"Retry-After": str(UNAVAILABLE_RETRY_SECONDS)})


def _bug(error: Exception) -> Response[str]:
    metrics = measured({"RequestFailures": 1, "Bugs": 1}, **executing_version())
    logger.exception("request failed", exc_info=error, **metrics)
    return answer(500, {"detail": "An unknown error occurred"})
