"""A Tool: a function that an agent may ask for, with the schema that a model sees of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

DEFAULT_RETURN_CHAR_LIMIT = 50_000
"""Characters of a tool's result that are kept (letta_api_spec §3.4)."""

MAX_RETURN_CHAR_LIMIT = 1_000_000
"""The highest limit that a tool may name (letta_api_spec §3.4)."""

REPEAT_POLICY = "repeat_policy"
"""Key of a tool's metadata under which its creator says whether a call of it may be repeated."""


class RepeatPolicy(StrEnum):
    """Whether a call may be executed again when a crash took its return (promise 6)."""

    SAFE = "safe"
    KEYED = "keyed"
    NEVER = "never"


CUSTOM = "custom"
"""Type of the tools that clients make."""

EXTERNAL_MCP = "external_mcp"
"""Type of the tools that an MCP server has; every other type is one of Nightshift's own definitions."""


@dataclass(frozen=True, slots=True)
class Tool:
    """The stored state of one tool, or a built-in definition.

    Attributes:
        json_schema: what a model sees: name, description and `parameters`, a JSON Schema object.
        args_json_schema: parameters that the creator gave in place of those read from the source.
        pip_requirements: `{name, version}` each; npm_requirements too.
        version: raised by every change; a change to an older one is refused.
    """

    id: str
    tenant: str
    name: str
    created_at: datetime
    updated_at: datetime
    description: str | None = None
    json_schema: dict[str, Any] = field(default_factory=dict)
    tool_type: str = CUSTOM
    source_code: str | None = None
    source_type: str = "python"
    args_json_schema: dict[str, Any] | None = None
    tags: tuple[str, ...] = ()
    return_char_limit: int = DEFAULT_RETURN_CHAR_LIMIT
    pip_requirements: tuple[dict[str, Any], ...] | None = None
    npm_requirements: tuple[dict[str, Any], ...] | None = None
    default_requires_approval: bool | None = None
    enable_parallel_execution: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    version: int = 0

    @property
    def is_custom(self) -> bool:
        """Tell whether a client made it, so that clients may change it."""
        return self.tool_type == CUSTOM

    @property
    def repeat_policy(self) -> RepeatPolicy:
        """Return whether its calls may be repeated: with the call's id as idempotency key, unless its creator says."""
        named = self.metadata.get(REPEAT_POLICY)
        return RepeatPolicy(named) if named in list(RepeatPolicy) else RepeatPolicy.KEYED


def cut_return(text: str, limit_chars: int = DEFAULT_RETURN_CHAR_LIMIT) -> str:
    """Return a tool's result within its limit; what is cut off is remarked within the limit's last characters."""
    if len(text) <= limit_chars:
        return text
    remark = f"... [cut: {len(text)} characters, the limit is {limit_chars}]"
    return text[: max(0, limit_chars - len(remark))] + remark[:limit_chars]
