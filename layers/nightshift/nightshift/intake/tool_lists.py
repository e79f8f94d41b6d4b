"""Lists of a tenant's tools, with the built-in ones at their beginning in time, and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass

from nightshift.domain.tool import Tool
from nightshift.intake.agent_view import tools_of_ids
from nightshift.intake.listing import Listing, list_indexed
from nightshift.intake.show_agent import show_tool
from nightshift.intake.tools import ToolRegistry
from nightshift.intake.wire.tools import ListToolsQuery
from nightshift.storage.database import Database
from nightshift.storage.dynamo import Item, Page
from nightshift.tools.base import BaseTools


@dataclass(frozen=True, slots=True)
class ToolLists:
    """The tools of all tenants; every call names its tenant."""

    database: Database
    registry: ToolRegistry

    def list(self, tenant: str, query: ListToolsQuery) -> Sequence[Tool]:
        """Return a page of the tenant's tools by time of creation."""
        tools = self.database.tools
        listing = Listing(
            page=lambda forward, limit, start: self._page(tenant, forward, limit, start),
            load=lambda entries: _in_order(self.database, tenant, entries),
            is_wanted=lambda tool: _is_wanted(tool, query),
            show=show_tool,
            start_of=lambda tool_id: tools.index_key(self.registry.get(tenant, tool_id)),
        )
        return list_indexed(listing, query)

    def count(self, tenant: str) -> int:
        """Return how many tools the tenant has, the built-in ones counted."""
        return len(BaseTools(tenant).all()) + sum(1 for _ in self.database.tools.ids(tenant))

    def _page(self, tenant: str, forward: bool, limit: int, start: Item | None) -> Page:
        """Read one page; built-in tools have no entries and are older than any other, so they come first or last."""
        base = [self.database.tools.index_key(tool) | {"id": tool.id} for tool in BaseTools(tenant).all()]
        is_at_base = start is not None and start["created_order"] <= base[-1]["created_order"]
        if forward:
            rest = [entry for entry in base if start is None or entry["created_order"] > start["created_order"]]
            if rest:
                return Page(rest, _key_of(rest[-1]))
            return self.database.tools.list_page(tenant, forward=True, limit=limit, start=None if is_at_base else start)
        if start is not None and is_at_base:
            return Page([entry for entry in base[::-1] if entry["created_order"] < start["created_order"]], None)
        page = self.database.tools.list_page(tenant, forward=False, limit=limit, start=start)
        return page if page.next_key else Page([*page.items, *base[::-1]], None)


def _key_of(entry: Item) -> Item:
    return {name: value for name, value in entry.items() if name != "id"}


def _in_order(database: Database, tenant: str, entries: Sequence[Item]) -> list[Tool]:
    ids = [entry["id"] for entry in entries]
    found = tools_of_ids(database, tenant, ids)
    return [found[tool_id] for tool_id in ids if tool_id in found]


def _is_wanted(tool: Tool, query: ListToolsQuery) -> bool:
    checks = (
        query.name is None or tool.name == query.name,
        not query.names or tool.name in query.names,
        not query.tool_ids or tool.id in query.tool_ids,
        query.search is None or query.search.lower() in tool.name.lower(),
        not query.tool_types or tool.tool_type in query.tool_types,
        tool.tool_type not in query.exclude_tool_types,
        not query.return_only_letta_tools or tool.tool_type.startswith("letta_"),
    )
    return all(checks)
