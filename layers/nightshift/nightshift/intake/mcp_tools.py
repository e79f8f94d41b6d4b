"""The tools of MCP servers: kept as tools that agents may have, listed anew on request, run for a client that waits."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.errors import ConditionFailedError, InvalidRequestError, NotFoundError
from nightshift.domain.mcp_server import McpServer, RemoteTool
from nightshift.domain.tool import EXTERNAL_MCP, REPEAT_POLICY, RepeatPolicy, Tool
from nightshift.intake.changes import until_unchanged
from nightshift.intake.mcp_servers import McpServerRegistry
from nightshift.storage.database import Database
from nightshift.telemetry import logger
from nightshift.tools.mcp_client import McpClient, McpServerError
from nightshift.tools.sandbox import SandboxResult

LIST_TIMEOUT_SECONDS: Final = 15
CALL_TIMEOUT_SECONDS: Final = 20
"""Within the 29 s of http_api."""


@dataclass(frozen=True, slots=True)
class Refreshed:
    """Names of the tools that a listing changed."""

    added: list[str]
    updated: list[str]
    deleted: list[str]


@dataclass(frozen=True, slots=True)
class McpTools:
    """The tools of all tenants' servers."""

    database: Database
    servers: McpServerRegistry
    client: McpClient
    clock: Clock

    def try_refresh(self, server: McpServer) -> None:
        """List a new server's tools; one that can't be reached yet has none until it is refreshed."""
        try:
            self.refresh(server.tenant, server.id)
        except InvalidRequestError as error:
            logger.info("mcp server not listed", mcp_server_id=server.id, reason=str(error))

    def refresh(self, tenant: str, server_id: str) -> Refreshed:
        """List the server's tools anew: agents keep those that are still there, as they are now.

        Raises:
            NotFoundError: no such server.
            InvalidRequestError: it could not be listed.
        """
        server = self.servers.get(tenant, server_id)
        listed = {tool.id: tool for tool in (self._to_tool(server, remote) for remote in self._list_remote(server))}
        known = {tool.id: tool for tool in self.database.tools.get_many(tenant, server.tool_ids)}
        added = [tool for tool_id, tool in listed.items() if tool_id not in known]
        updated = [tool for tool_id, tool in listed.items() if tool_id in known and not _is_same(tool, known[tool_id])]
        for tool in [*added, *updated]:
            self._store(tool)
        # The server names its tools before those that it no longer has go: what dies in between is found again.
        self.servers.change(tenant, server_id, lambda current: replace(current, tool_ids=tuple(listed)))
        gone = [tool for tool_id, tool in known.items() if tool_id not in listed]
        self._delete(gone)
        return Refreshed(*([tool.name for tool in tools] for tools in (added, updated, gone)))

    def list(self, tenant: str, server_id: str) -> Sequence[Tool]:
        """Return the server's tools as they were listed last.

        Raises:
            NotFoundError: no such server.
        """
        return self.database.tools.get_many(tenant, self.servers.get(tenant, server_id).tool_ids)

    def get(self, tenant: str, server_id: str, tool_id: str) -> Tool:
        """Return one of the server's tools.

        Raises:
            NotFoundError: no such server, or it has no such tool.
        """
        tool = next((tool for tool in self.list(tenant, server_id) if tool.id == tool_id), None)
        if tool is None:
            raise NotFoundError(f"MCP server {server_id} has no tool {tool_id}")
        return tool

    def run(self, tenant: str, server_id: str, tool_id: str, arguments: Mapping[str, Any]) -> SandboxResult:
        """Call the tool and return what came of it; what goes wrong at the server is a result.

        Raises:
            NotFoundError: no such server, or it has no such tool.
        """
        tool = self.get(tenant, server_id, tool_id)
        return self.call(self.servers.get(tenant, server_id), tool, arguments)

    def call(self, server: McpServer, tool: Tool, arguments: Mapping[str, Any]) -> SandboxResult:
        """Call a tool of the server."""
        name = tool.metadata["mcp"]["tool_name"]
        return self.client.call_tool(server, name, arguments, CALL_TIMEOUT_SECONDS, tool.return_char_limit)

    def delete_of(self, server: McpServer) -> None:
        """Delete the tools of a server that is deleted."""
        self._delete(self.database.tools.get_many(server.tenant, server.tool_ids))

    def _list_remote(self, server: McpServer) -> Sequence[RemoteTool]:
        try:
            return self.client.list_tools(server, LIST_TIMEOUT_SECONDS)
        except McpServerError as error:
            raise InvalidRequestError(str(error)) from error

    def _to_tool(self, server: McpServer, remote: RemoteTool) -> Tool:
        now, name = self.clock.now(), remote.callable_name
        place = {"server_id": server.id, "server_name": server.name, "tool_name": remote.name}
        repeats = {REPEAT_POLICY: RepeatPolicy.SAFE.value} if remote.is_repeatable else {}
        return Tool(
            # Of server and name, so that agents keep a tool that is listed anew.
            id=ids.derived_id("tool", server.tenant, server.id, remote.name),
            tenant=server.tenant,
            name=name,
            created_at=now,
            updated_at=now,
            description=remote.description,
            json_schema={"name": name, "description": remote.description, "parameters": remote.parameters},
            tool_type=EXTERNAL_MCP,
            tags=(f"mcp:{server.name}",),
            metadata={"mcp": place, **repeats},
        )

    def _store(self, tool: Tool) -> None:
        tools = self.database.tools

        def attempt() -> None:
            present = tools.get(tool.tenant, tool.id)
            if present is None:
                self.database.dynamo.write(tools.create(tool))
            else:
                after = replace(tool, created_at=present.created_at, version=present.version)
                self.database.dynamo.write(tools.replace(after))

        until_unchanged(self.clock, attempt)

    def _delete(self, gone: Sequence[Tool]) -> None:
        for tool in gone:
            # Somebody else who refreshes just now has the last word on it.
            with suppress(ConditionFailedError):
                self.database.dynamo.write(self.database.tools.delete_unchanged(tool))


def _is_same(listed: Tool, known: Tool) -> bool:
    return (listed.json_schema, listed.metadata, listed.tags) == (known.json_schema, known.metadata, known.tags)
