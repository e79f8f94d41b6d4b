"""What an endpoint is: an operation that parses, calls one function of the intake stage and says what to show.

An operation declares its body, its query and what it returns; the same declaration parses requests here and is the
source of docs/api/openapi.json. A route names its operation by module and name, so that a cold start loads only the
group of operations that the first request needs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from pydantic import BaseModel

from api_errors import answer
from api_request import parse_body, parse_query, require_id
from nightshift.domain import ids

PATH_IDS: Final[Mapping[str, ids.Prefix]] = MappingProxyType(
    {
        "agent_id": "agent",
        "block_id": "block",
        "mcp_server_id": "mcp_server",
        "memory_id": "passage",
        "message_id": "message",
        "step_id": "step",
        "tool_id": "tool",
    },
)
"""Path values whose form is checked before the operation: 422 when malformed (a run's id: 400, see intake/query)."""


@dataclass(frozen=True, slots=True)
class Request:
    """One authorized request."""

    event: APIGatewayProxyEventV2
    tenant: str
    correlation_id: str


type Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint.

    Attributes:
        handler: takes the request, the path's values, and `body` and `query` where they are declared; returns the JSON
            value to answer 200 with, or a Response.
        summary: one line for readers of the API's documentation.
        returns: the answer's type by its name in the official SDK, with `[]` for a list; a media type for what isn't
            JSON; `|` between choices, one of which may be null; empty for any JSON.
    """

    handler: Handler
    summary: str
    returns: str
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None

    def __call__(self, request: Request, **path_values: str) -> Response[str]:
        """Answer the request."""
        for name in path_values.keys() & PATH_IDS.keys():
            require_id(PATH_IDS[name], path_values[name], name)
        parsed: dict[str, Any] = {}
        if self.query is not None:
            parsed["query"] = parse_query(request.event, self.query)
        if self.body is not None:
            parsed["body"] = parse_body(request.event, self.body)
        result = self.handler(request, **path_values, **parsed)
        return result if isinstance(result, Response) else answer(200, result)


def operation(
    summary: str, *, returns: str = "", body: type[BaseModel] | None = None, query: type[BaseModel] | None = None
) -> Callable[[Handler], Operation]:
    """Declare the decorated function as an endpoint's operation."""
    return lambda handler: Operation(handler, summary, returns, body, query)


@cache
def load_operation(name: str) -> Operation:
    """Return the operation `module:function`, importing its module at first use."""
    module, _, function = name.partition(":")
    found: Operation = getattr(import_module(module), function)
    return found
