"""Executes tools of MCP servers. What goes wrong at a server, or on the way there, is the tool's return."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nightshift.domain.message import ToolCall
from nightshift.domain.tool import Tool
from nightshift.storage.database import Database
from nightshift.tools.mcp_client import McpClient
from nightshift.tools.sandbox import SandboxResult, failed


@dataclass(frozen=True, slots=True)
class RemoteTools:
    """Calls tools where they are."""

    database: Database
    client: McpClient

    def run(self, tool: Tool, call: ToolCall, arguments: Mapping[str, Any], timeout_seconds: float) -> SandboxResult:
        """Execute the call at the server that the tool was listed by, with its id as the idempotency key."""
        place = tool.metadata["mcp"]
        server = self.database.mcp_servers.get(tool.tenant, place["server_id"])
        if server is None:
            return failed(tool.name, f"its MCP server {place['server_name']} was deleted")
        name, limit = place["tool_name"], tool.return_char_limit
        return self.client.call_tool(server, name, arguments, timeout_seconds, limit, call.id)
