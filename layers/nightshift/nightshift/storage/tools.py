"""Tools that clients made: one item each in the agents table, and one that keeps its name to it.

A name is an item of its own, `tenant#tool-name#<name>` with the tool's id, written in one transaction with the tool:
two creates of one name meet at it, and finding a tool by its name is one read. Built-in tools have no items.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from nightshift.domain.tool import Tool
from nightshift.storage import listed
from nightshift.storage.dynamo import Delete, Dynamo, Item, Page, Put
from nightshift.storage.keys import scoped
from nightshift.storage.payloads import Payloads


@dataclass(frozen=True, slots=True)
class Tools:
    """The tools of the agents table."""

    dynamo: Dynamo
    table: str
    payloads: Payloads

    def create(self, tool: Tool) -> Put:
        """Return the write that makes the tool."""
        return Put(self.table, self._to_item(tool, tool.version), listed.IS_NEW)

    def take_name(self, tool: Tool) -> Put:
        """Return the write that gives the tool its name, which must be free."""
        item = {"pk": _name_key(tool.tenant, tool.name), "tool_id": tool.id}
        return Put(self.table, item, listed.IS_NEW)

    def free_name(self, tool: Tool) -> Delete:
        """Return the write that gives the name back if it is this tool's."""
        key = {"pk": _name_key(tool.tenant, tool.name)}
        return Delete(self.table, key, "#tool_id = :tool_id", {"tool_id": tool.id})

    def replace(self, tool: Tool) -> Put:
        """Return the write that stores a changed tool if nobody changed it since this version was read."""
        item = self._to_item(tool, tool.version + 1)
        return Put(self.table, item, listed.IS_UNCHANGED, {"version": tool.version})

    def get(self, tenant: str, tool_id: str) -> Tool | None:
        """Read a tool, consistently."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, tool_id)})
        return self._to_tool(item) if item else None

    def delete(self, tool: Tool) -> Delete:
        """Return the write that removes a tool if nobody changed it since this version was read."""
        key = {"pk": scoped(tool.tenant, tool.id)}
        return Delete(self.table, key, listed.IS_UNCHANGED, {"version": tool.version})

    def ids_of_names(self, tenant: str, names: Sequence[str]) -> dict[str, str]:
        """Return the id of each name that a tool has."""
        keys = [{"pk": _name_key(tenant, name)} for name in dict.fromkeys(names)]
        found = {item["pk"]: item["tool_id"] for item in self.dynamo.get_many(self.table, keys, consistent=True)}
        return {name: found[key] for name in names if (key := _name_key(tenant, name)) in found}

    def list_page(self, tenant: str, *, forward: bool, limit: int, start: Item | None = None) -> Page:
        """Return index entries (`id` added) of the tenant's tools by time of creation."""
        page = self.dynamo.query(
            self.table,
            "#listing = :listing",
            {"listing": listed.listing_of(tenant, "tool")},
            index="by_listing",
            forward=forward,
            limit=limit,
            start=start,
        )
        return listed.with_ids(page)

    def index_key(self, tool: Tool) -> Item:
        """Return the place of a tool in the index, to start a page after it."""
        return listed.place_of(tool, "tool")

    def get_many(self, tenant: str, tool_ids: Sequence[str]) -> list[Tool]:
        """Read these tools in the given order, without those that don't exist."""
        items = self.dynamo.get_many(self.table, listed.keys_of(tenant, tool_ids), consistent=True)
        return listed.in_order(tool_ids, [self._to_tool(item) for item in items])

    def _to_item(self, tool: Tool, version: int) -> Item:
        document = listed.to_document(asdict(tool))
        return self.payloads.pack("agents", listed.attributes_of(tool, "tool", version), document)

    def _to_tool(self, item: Item) -> Tool:
        return Tool(**listed.from_document(item, self.payloads.unpack(item)))


def _name_key(tenant: str, name: str) -> str:
    return scoped(tenant, f"tool-name#{name}")
