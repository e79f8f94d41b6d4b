"""The stored form of a run's request: plain JSON without what is the default. Reads what older versions wrote."""

from dataclasses import asdict, fields
from typing import Any, Final

from nightshift.domain.message import ToolSchema
from nightshift.domain.run_request import ClientSkill, RunRequest
from nightshift.storage.draft_json import draft_to_json, json_to_draft

_DEFAULTS: Final = RunRequest(inputs=())
_PLAIN: Final = tuple(
    field.name for field in fields(RunRequest) if field.name not in {"inputs", "client_tools", "client_skills"}
)


def request_to_json(request: RunRequest) -> dict[str, Any]:
    """Convert a request to plain JSON."""
    stored: dict[str, Any] = {name: getattr(request, name) for name in _PLAIN}
    changed = {name: value for name, value in stored.items() if value != getattr(_DEFAULTS, name)}
    lists = {
        "inputs": [draft_to_json(draft) for draft in request.inputs],
        "client_tools": [_tool_to_json(tool) for tool in request.client_tools],
        "client_skills": [asdict(skill) for skill in request.client_skills],
    }
    return changed | {name: values for name, values in lists.items() if values}


def json_to_request(stored: dict[str, Any]) -> RunRequest:
    """Read a request that `request_to_json` wrote."""
    lists = {
        "inputs": tuple(json_to_draft(draft) for draft in stored.get("inputs", [])),
        "client_tools": tuple(ToolSchema(**tool) for tool in stored.get("client_tools", [])),
        "client_skills": tuple(ClientSkill(**skill) for skill in stored.get("client_skills", [])),
    }
    return RunRequest(**stored | lists)


def _tool_to_json(tool: ToolSchema) -> dict[str, Any]:
    """Convert a tool; one without parameters is stored without them, as it was sent."""
    plain = ToolSchema(tool.name, tool.description)
    return {name: value for name, value in asdict(tool).items() if name != "parameters" or value != plain.parameters}
