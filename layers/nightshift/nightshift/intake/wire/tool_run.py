"""A call of a tool outside a run."""

from pydantic import Field, JsonValue

from nightshift.intake.wire.base import Wire


class RunTool(Wire):
    """Body of `POST /v1/agents/{agent_id}/tools/{tool_name}/run` and of the same on an MCP server."""

    args: dict[str, JsonValue] = Field(default_factory=dict)
