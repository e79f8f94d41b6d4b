"""The OpenAPI document, made from the table of routes and from what each operation declares."""

import json
import re
from typing import Final

from error_answers import COMPONENTS, error_answers
from nightshift.version import VERSION
from operations import Operation, load_operation
from parameters import parameters
from routes import ROUTES, Route
from schemas import PREFIX, Json, Schemas

DESCRIPTION: Final = """\
AI agents that work in the background on your own AWS account, behind the Letta API.

The official SDKs work unchanged: `letta-client` for Python, `@letta-ai/letta-client` for Node. Every path is served
with and without a trailing slash, and unknown fields are ignored. Of each error `detail` says what was expected. Routes
of the SDKs that are not listed here answer 501 and say what to use instead.
"""


def openapi_document() -> Json:
    """Return the document; the same code always makes the same one."""
    operations = {route: load_operation(route.operation) for route in ROUTES}
    schemas = Schemas.of(operations.values())
    paths: Json = {}
    for route, operation in operations.items():
        path = route.path.replace("<", "{").replace(">", "}")
        paths.setdefault(path, {})[route.method.lower()] = _describe(route, operation, schemas)
    components = {**schemas.components, **COMPONENTS}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Nightshift", "version": VERSION, "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": {name: components[name] for name in sorted(reachable(paths, components))},
        },
    }


def reachable(value: Json, components: Json) -> set[str]:
    """Return the names of the components that a value refers to, directly or through others."""
    found: set[str] = set()
    unread = [value]
    while unread:
        names = set(re.findall(f'"{PREFIX}([^"]+)"', json.dumps(unread.pop()))) - found
        found |= names
        unread += [components[name] for name in names]
    return found


def _describe(route: Route, operation: Operation, schemas: Schemas) -> Json:
    described: Json = {
        "operationId": route.operation.partition(":")[2],
        "summary": operation.summary,
        "tags": [_tag(route)],
        "parameters": parameters(route.path, operation, schemas),
    }
    if route.is_open:
        described["security"] = []
    if operation.body is not None:
        content = {"application/json": {"schema": schemas.models[operation.body]}}
        described["requestBody"] = {"required": True, "content": content}
    described["responses"] = {"200": _success(operation, schemas), **error_answers(route, operation)}
    return described


def _tag(route: Route) -> str:
    """Return the word that the page groups the operation by: the first of its path that isn't the version."""
    parts = [part for part in route.path.split("/") if part and part != "v1"]
    return parts[0].partition(".")[0]


def _success(operation: Operation, schemas: Schemas) -> Json:
    by_media_type = schemas.answer_by_media_type(operation.returns)
    return {"description": "OK", "content": {name: {"schema": schema} for name, schema in by_media_type.items()}}
