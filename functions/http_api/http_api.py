"""HTTP API → intake. A path is accepted with and without a trailing slash; a token decides the tenant."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

from aws_lambda_powertools.event_handler.api_gateway import APIGatewayHttpResolver, Response

import api_errors
from api_request import tenant_of
from nightshift.telemetry import add_log_keys, log_keys, logger
from operations import Request, load_operation
from routes import ROUTES, Route
from unoffered_routes import explain_unoffered

app = APIGatewayHttpResolver()
api_errors.install(app)


def _serve(route: Route) -> Callable[..., Response[str]]:
    """Return what the resolver calls: the route's operation, for the tenant of the request's token."""

    def handle(**path_values: str) -> Response[str]:
        event = app.current_event
        tenant = "" if route.is_open else tenant_of(event)
        decoded = {name: unquote(value) for name, value in path_values.items()}
        add_log_keys(**{"tenant": tenant} if tenant else {}, **decoded)
        request = Request(event, tenant, event.request_context.request_id)
        return load_operation(route.operation)(request, **decoded)

    return handle


for _route in ROUTES:
    app.route(_route.path, _route.method)(_serve(_route))


@app.not_found
def _not_found(_error: Exception) -> Response[str]:
    """Tell what is not offered from a wrong method and an unknown path, after telling a stranger from a client."""
    event = app.current_event
    tenant_of(event)
    if detail := explain_unoffered(event.http_method, event.path):
        return api_errors.answer(501, {"detail": detail}, {"x-should-retry": "false"})
    if any(route.matches_path(event.path) for route in ROUTES):
        return api_errors.answer(405, {"detail": "Method Not Allowed"})
    return api_errors.answer(404, {"detail": "Not Found"})


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request."""
    http = event["requestContext"]["http"]
    # API Gateway decodes the path, and the resolver finds no route for some characters that a segment may then hold.
    path = quote(event["rawPath"].rstrip("/"), safe="/", errors="replace") or "/"
    event = {**event, "rawPath": path}
    with log_keys(correlation_id=event["requestContext"]["requestId"]):
        result = app.resolve(event, context)
        logger.info("request answered", method=http["method"], path=path, status=result["statusCode"])
        return result
