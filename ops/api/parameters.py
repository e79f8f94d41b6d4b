"""Parameters of an operation: what stands in its path, and its query."""

import re

from nightshift.domain import ids
from operations import PATH_IDS, Operation
from schemas import Json, Schemas

RUN_ID = "run_id"
"""The path value that is no more than a string here: a malformed one is answered with 400 by its operation."""

CONVERSATION_ID = "conversation_id"
"""The path value that may have one of three forms; its operation refuses others with 422."""


def path_names(path: str) -> list[str]:
    """Return the placeholders of a path of the table of routes."""
    return re.findall(r"<(\w+)>", path)


def parameters(path: str, operation: Operation, schemas: Schemas) -> list[Json]:
    """Return path and query parameters in the order in which they are declared."""
    return [*(_in_path(name) for name in path_names(path)), *_in_query(operation, schemas)]


def _in_path(name: str) -> Json:
    schema: Json = {"type": "string"}
    if name in PATH_IDS:
        schema["pattern"] = ids.id_pattern(PATH_IDS[name])
    if name == CONVERSATION_ID:
        schema["pattern"] = f"^((conv|agent)-{ids.UUID4_PATTERN}|default)$"
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(operation: Operation, schemas: Schemas) -> list[Json]:
    if operation.query is None:
        return []
    model = schemas.resolve(schemas.models[operation.query])
    required = model.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(schema)}
        for name, schema in model.get("properties", {}).items()
    ]


def _without_null(schema: Json) -> Json:
    """Return the schema of what may follow a key's `=`: null is a key that isn't there."""
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf" and (key, value) != ("default", None)}
    match choices:
        case []:
            return rest
        case [only]:
            return {**rest, **only}
        case _:
            return {**rest, "anyOf": choices}
