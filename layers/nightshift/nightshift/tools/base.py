"""The tools that every tenant has without making them: what a model sees of each, and the ids they go by.

What they do is the execution's; here they are definitions. An id is made from tenant and name, so that it is the same
at every call, needs no item and is worth nothing to another tenant.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from nightshift.domain import ids
from nightshift.domain.tool import Tool
from nightshift.tools.base_schemas import SCHEMAS

DEFAULT_NAMES: Final = ("conversation_search", "memory_insert", "memory_replace")
"""What an agent gets unless its creator says `include_base_tools: false` (letta_api_spec §3.4)."""

SINCE: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When base tools were made, for lists in the order of creation: before anything else."""


@dataclass(frozen=True, slots=True)
class BaseTools:
    """One tenant's base tools."""

    tenant: str

    def all(self) -> list[Tool]:
        """Return every base tool by id, the order of their place in lists."""
        return sorted((self.named(name) for name in SCHEMAS), key=lambda tool: tool.id)

    def named(self, name: str) -> Tool:
        """Return the base tool of this name, which must be one."""
        return replace(_definition(name), id=ids.derived_id("tool", self.tenant, name), tenant=self.tenant)

    def find(self, tool_id: str) -> Tool | None:
        """Return the base tool with this id, None when it is none of this tenant's."""
        return next((tool for tool in self.all() if tool.id == tool_id), None)


def is_base_name(name: str) -> bool:
    """Tell whether a base tool has this name."""
    return name in SCHEMAS


@cache
def _definition(name: str) -> Tool:
    tool_type, description, properties, required = SCHEMAS[name]
    parameters: dict[str, Any] = {"type": "object", "properties": dict(properties), "required": list(required)}
    return Tool(
        id="",
        tenant="",
        name=name,
        created_at=SINCE,
        updated_at=SINCE,
        description=description,
        json_schema={"name": name, "description": description, "parameters": parameters},
        tool_type=tool_type,
        tags=(tool_type,),
    )
