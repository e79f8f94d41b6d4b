"""MCP servers: one item each in the agents table, listed by tenant in the order of their creation."""

from dataclasses import dataclass
from typing import Any, ClassVar

from nightshift.domain.mcp_server import McpServer
from nightshift.storage.listed import ListedItems


@dataclass(frozen=True, slots=True)
class McpServers(ListedItems[McpServer]):
    """The MCP servers of the agents table."""

    kind: ClassVar = "mcp_server"

    def _from_fields(self, fields: dict[str, Any]) -> McpServer:
        return McpServer(**fields)
