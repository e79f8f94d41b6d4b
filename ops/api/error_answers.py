"""The error answers of an operation, told from its method, its path and its body; each has a `detail`."""

from collections.abc import Mapping
from typing import Final

from operations import PATH_IDS, Operation
from parameters import CONVERSATION_ID, RUN_ID, path_names
from routes import Route
from schemas import PREFIX, Json

ERROR: Final[Json] = {
    "title": "Error",
    "type": "object",
    "required": ["detail"],
    "properties": {
        "detail": {
            "description": "What was expected, what was found, what to do; an object where a program has to read it",
            "type": ["string", "object"],
        },
    },
}

RUN_ERROR: Final[Json] = {
    "title": "RunError",
    "description": "What a run came to whose client waited for it",
    "type": "object",
    "required": ["error", "detail"],
    "properties": {
        "detail": {"type": "string"},
        "error": {
            "type": "object",
            "required": ["type", "message", "detail", "run_id"],
            "properties": {name: {"type": "string"} for name in ("type", "message", "detail", "run_id")},
        },
    },
}

REFUSAL: Final[Json] = {
    "title": "Refusal",
    "type": "object",
    "required": ["detail"],
    "properties": {
        "detail": {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["type", "loc", "msg", "input"],
                        "properties": {
                            "type": {"type": "string", "description": "Kind of the error, as pydantic names it"},
                            "loc": {
                                "type": "array",
                                "items": {"type": ["string", "integer"]},
                                "description": "Way to the refused value; begins with path, query or body",
                            },
                            "msg": {"type": "string"},
                            "input": {"description": "The refused value, shortened"},
                        },
                    },
                },
            ]
        }
    },
}

COMPONENTS: Final[Mapping[str, Json]] = {"Error": ERROR, "Refusal": REFUSAL, "RunError": RUN_ERROR}

OF_A_RUN: Final = frozenset({400, 401, 402, 429, 500, 504})
"""Statuses of a run that failed while its client waited."""

DESCRIPTIONS: Final[Mapping[int, str]] = {
    400: "Well-formed, yet meaningless: such as a malformed run id or an answer to no approval request",
    401: "No bearer token, or one that belongs to nobody",
    402: "The model's provider wants to be paid",
    404: "No such thing exists, or it is another tenant's",
    409: "The present state forbids the request; sending it again won't help",
    413: "The body is larger than the documented limit",
    422: "A value is missing or has the wrong form",
    429: "Too much is waiting already; `Retry-After` says when to try again",
    500: "The run failed",
    501: "The request asks for something that is not offered",
    503: "A service did not answer; nothing is lost, `Retry-After` says when to send it again",
    504: "The run goes on in the background; `detail` names it",
}
"""Status to what it means."""


def error_answers(route: Route, operation: Operation) -> Json:
    """Return the error answers that the operation may give, by status."""
    return {str(status): _answer(status, operation) for status in sorted(_statuses(route, operation))}


def _statuses(route: Route, operation: Operation) -> set[int]:
    if route.is_open:
        return set()
    names = path_names(route.path)
    found = {401, 503}
    if names or operation.body or operation.query:
        found |= {404}
    if {*PATH_IDS, CONVERSATION_ID} & set(names) or operation.body or operation.query:
        found |= {422}
    if {RUN_ID, CONVERSATION_ID} & set(names) or operation.body or operation.query:
        found |= {400}
    if route.method != "GET":
        found |= {409, 429}
    if operation.body:
        found |= {413}
    if waits_for_a_run(operation):
        found |= OF_A_RUN
    return found


def waits_for_a_run(operation: Operation) -> bool:
    """Tell whether the operation answers with what a run came to."""
    return "LettaResponse" in operation.returns or operation.returns == "CompactionResponse"


def _answer(status: int, operation: Operation) -> Json:
    schema: Json = {"$ref": PREFIX + ("Refusal" if status == 422 else "Error")}
    if status in OF_A_RUN and waits_for_a_run(operation):
        schema = {"anyOf": [{"$ref": f"{PREFIX}RunError"}, schema]}
    return {"description": DESCRIPTIONS[status], "content": {"application/json": {"schema": schema}}}
