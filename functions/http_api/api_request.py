"""Reads one request: tenant, body, query and ids, each checked, each refused with the status and text of the API."""

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, from_json

from nightshift.domain import ids
from nightshift.domain.errors import IntakePausedError, PayloadTooLargeError, RequestError

MAX_BODY_BYTES = 5 * 1024 * 1024
"""The documented limit of a request's body; Lambda's own is 6 MB for the event around it."""


PAUSE_RETRY_SECONDS = 60
"""What a client is told to wait while intake is paused; an operator pauses for minutes."""


MAX_SHOWN_ERRORS = 20
"""Errors that a refusal names; a body may hold half a million of them, an answer has to stay below 6 MB."""


class UnauthorizedError(RequestError):
    """The authorizer found no tenant for the request."""

    status = 401


def tenant_of(event: APIGatewayProxyEventV2) -> str:
    """Return the tenant that the authorizer put into the request's context.

    Raises:
        UnauthorizedError: it put none there: no token, or one that belongs to nobody.
    """
    authorizer: Mapping[str, Any] = event.raw_event["requestContext"].get("authorizer") or {}
    tenant = (authorizer.get("lambda") or {}).get("tenant")
    if not tenant:
        raise UnauthorizedError("Unauthorized")
    return str(tenant)


def require_open_intake(event: APIGatewayProxyEventV2) -> None:
    """Do nothing unless the authorizer found that the tenant's intake is paused.

    Raises:
        IntakePausedError: it is; what was accepted goes on.
    """
    if event.raw_event["requestContext"]["authorizer"]["lambda"].get("intake") == "paused":
        detail = "No runs are accepted at present, by decision of the operator; what was accepted goes on"
        raise IntakePausedError(detail, PAUSE_RETRY_SECONDS)


def parse_body[Body: BaseModel](event: APIGatewayProxyEventV2, model: type[Body]) -> Body:
    """Return the body as a `model`.

    Raises:
        PayloadTooLargeError: over the documented limit.
        ValidationError: no JSON object, or one that the model refuses.
    """
    data = _read_body(event)
    if len(data) > MAX_BODY_BYTES:
        raise PayloadTooLargeError(f"the body has {len(data)} bytes, the limit is {MAX_BODY_BYTES}")
    content_type = event.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise _refusal("json_content_type", f"the body must be application/json, found {content_type}", ("body",))
    if not data:
        raise _refusal("missing", "Field required", ("body",))
    return _validate(model, _parse_json(data), "body")


def _read_body(event: APIGatewayProxyEventV2) -> bytes:
    """Return the body as it was sent, which need not be UTF-8: the parser says what is wrong with it."""
    body = event.body or ""
    return base64.b64decode(body) if event.is_base64_encoded else body.encode("utf-8", "surrogatepass")


def _parse_json(data: bytes) -> Any:
    try:
        return from_json(data, allow_inf_nan=False)
    except ValueError as error:
        raise _refusal("json_invalid", f"JSON decode error: {error}", ("body",)) from error


def parse_query[Query: BaseModel](event: APIGatewayProxyEventV2, model: type[Query]) -> Query:
    """Return the query string as a `model`; a key may be repeated where the model has a list.

    A key without a value counts as absent: that is how the SDK for TypeScript sends null.

    Raises:
        ValidationError: the model refuses a value.
    """
    values = parse_qs(event.raw_query_string)
    lists = {name for name, field in model.model_fields.items() if "list[" in str(field.annotation)}
    plain = {name: found if name in lists else found[-1] for name, found in values.items()}
    return _validate(model, plain, "query")


def parse_headers[Headers: BaseModel](event: APIGatewayProxyEventV2, model: type[Headers]) -> Headers:
    """Return the headers, by their names in lower case, as a `model`.

    Raises:
        ValidationError: the model refuses a value.
    """
    return _validate(model, {name.lower(): value for name, value in event.headers.items()}, "header")


def require_id(prefix: ids.Prefix, value: str, name: str) -> str:
    """Return a path's id if it is well-formed.

    Raises:
        ValidationError: it isn't; says which form was expected.
    """
    if not ids.is_well_formed(prefix, value):
        message = f"String should match pattern '{prefix}-{{uuid4}}'"
        raise _refusal("string_pattern_mismatch", message, ("path", name), value)
    return value


def _validate[Model: BaseModel](model: type[Model], value: Any, place: str) -> Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        details: list[InitErrorDetails] = [
            {
                "type": PydanticCustomError(found["type"], "{message}", {"message": found["msg"]}),
                "loc": (place, *found["loc"]),
                "input": found["input"],
            }
            for found in error.errors(include_url=False, include_context=False)[:MAX_SHOWN_ERRORS]
        ]
        raise ValidationError.from_exception_data(model.__name__, details) from error


def _refusal(kind: str, message: str, loc: tuple[str, ...], value: Any = None) -> ValidationError:
    detail = PydanticCustomError(kind, "{message}", {"message": message})
    return ValidationError.from_exception_data("request", [{"type": detail, "loc": loc, "input": value}])
