"""Tools that clients made: one item each in the agents table, and one that keeps its name to it.

A name is an item of its own, `tenant#tool-name#<name>` with the tool's id, written in one transaction with the tool:
two creates of one name meet at it, and finding a tool by its name is one read. Built-in tools have no items.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from nightshift.domain.tool import Tool
from nightshift.storage.dynamo import Delete, Put
from nightshift.storage.keys import scoped
from nightshift.storage.listed import IS_NEW, ListedItems


@dataclass(frozen=True, slots=True)
class Tools(ListedItems[Tool]):
    """The tools of the agents table."""

    kind: ClassVar = "tool"

    def take_name(self, tool: Tool) -> Put:
        """Return the write that gives the tool its name, which must be free."""
        item = {"pk": _name_key(tool.tenant, tool.name), "tool_id": tool.id}
        return Put(self.table, item, IS_NEW)

    def free_name(self, tool: Tool) -> Delete:
        """Return the write that gives the name back if it is this tool's."""
        key = {"pk": _name_key(tool.tenant, tool.name)}
        return Delete(self.table, key, "#tool_id = :tool_id", {"tool_id": tool.id})

    def ids_of_names(self, tenant: str, names: Sequence[str]) -> dict[str, str]:
        """Return the id of each name that a tool has."""
        keys = [{"pk": _name_key(tenant, name)} for name in dict.fromkeys(names)]
        found = {item["pk"]: item["tool_id"] for item in self.dynamo.get_many(self.table, keys, consistent=True)}
        return {name: found[key] for name in names if (key := _name_key(tenant, name)) in found}

    def _from_fields(self, fields: dict[str, Any]) -> Tool:
        return Tool(**fields)


def _name_key(tenant: str, name: str) -> str:
    return scoped(tenant, f"tool-name#{name}")
