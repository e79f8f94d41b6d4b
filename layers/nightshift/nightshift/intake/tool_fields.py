"""What a request says of a tool, put into the tool (letta_api_spec §5.5)."""

import re
from dataclasses import replace
from typing import Any

from nightshift.domain.errors import InvalidRequestError
from nightshift.domain.tool import Tool
from nightshift.intake.wire.tools import TOOL_NAME_PATTERN, CreateTool, UpdateTool
from nightshift.tools.source import schema_from_source

type Body = CreateTool | UpdateTool


def with_fields(tool: Tool, body: Body) -> Tool:
    """Return the tool with every field that the request gives; what is absent or null stays.

    Raises:
        InvalidRequestError: source, schema and type do not make a tool.
    """
    given: dict[str, Any] = {
        "source_code": body.source_code,
        "source_type": body.source_type,
        "args_json_schema": body.args_json_schema,
        "tags": None if body.tags is None else tuple(dict.fromkeys(body.tags)),
        "return_char_limit": body.return_char_limit,
        "pip_requirements": _plain(body.pip_requirements),
        "npm_requirements": _plain(body.npm_requirements),
        "default_requires_approval": body.default_requires_approval,
        "enable_parallel_execution": body.enable_parallel_execution,
        "metadata": body.metadata,
    }
    changed = replace(tool, **{name: value for name, value in given.items() if value is not None})
    return _with_schema(changed, body)


def _with_schema(tool: Tool, body: Body) -> Tool:
    """Return the tool with the schema that is given, or else with the one that its new source or arguments make."""
    schema = tool.json_schema
    if body.json_schema is not None:
        schema = body.json_schema.model_dump(exclude_none=True)
    elif body.source_code is not None:
        schema = _read(tool)
    if body.args_json_schema is not None and body.json_schema is None:
        schema = {**schema, "parameters": body.args_json_schema}
    description = schema.get("description") if body.description is None else body.description
    schema = {"parameters": {"type": "object", "properties": {}}, **schema, "description": description}
    return replace(tool, name=_checked_name(schema["name"]), description=description, json_schema=schema)


def _read(tool: Tool) -> dict[str, Any]:
    if tool.source_type != "python":
        raise InvalidRequestError(f"a tool in {tool.source_type} needs json_schema; only Python source is read")
    return schema_from_source(tool.source_code or "")


def _checked_name(name: str) -> str:
    if not re.fullmatch(TOOL_NAME_PATTERN, name):
        raise InvalidRequestError(
            f"a tool is named with 1 to 64 of the letters a to z, A to Z, digits, _ and -; found {name[:100]!r}"
        )
    return name


def _plain(requirements: list[Any] | None) -> tuple[dict[str, Any], ...] | None:
    return None if requirements is None else tuple(one.model_dump() for one in requirements)
