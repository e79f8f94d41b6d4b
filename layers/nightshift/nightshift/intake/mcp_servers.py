"""Registers, finds, changes and deletes MCP servers. Their secrets go in and never come out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.display import Json
from nightshift.domain.errors import InvalidRequestError, NotFoundError
from nightshift.domain.mcp_server import McpServer
from nightshift.intake.changes import until_unchanged
from nightshift.intake.wire.mcp_servers import HIDDEN, CreateMcpServer, McpServerConfig, UpdateMcpServer
from nightshift.storage.database import Database

type Change = Callable[[McpServer], McpServer]

MAX_SERVERS = 100
"""Of one tenant; a list of them is not cut into pages."""


@dataclass(frozen=True, slots=True)
class McpServerRegistry:
    """The MCP servers of all tenants; every call names its tenant."""

    database: Database
    clock: Clock

    def create(self, tenant: str, body: CreateMcpServer) -> McpServer:
        """Register a server; it is not called yet.

        Raises:
            InvalidRequestError: a type that is not offered, or one server too many.
        """
        _refuse_other_types(body.config)
        if len(self.list(tenant)) >= MAX_SERVERS:
            raise InvalidRequestError(f"there may be {MAX_SERVERS} MCP servers; delete one first")
        now = self.clock.now()
        blank = McpServer(
            id=ids.new_id("mcp_server"), tenant=tenant, name=body.server_name, url="", created_at=now, updated_at=now
        )
        server = _with_config(blank, body.config)
        self.database.dynamo.write(self.database.mcp_servers.create(server))
        return server

    def get(self, tenant: str, server_id: str) -> McpServer:
        """Return the server.

        Raises:
            NotFoundError: this tenant has none of this id.
        """
        is_id = ids.is_well_formed("mcp_server", server_id)
        server = self.database.mcp_servers.get(tenant, server_id) if is_id else None
        if server is None:
            raise NotFoundError(f"MCP server with ID {server_id} not found")
        return server

    def list(self, tenant: str) -> list[McpServer]:
        """Return all servers, oldest first."""
        return self.database.mcp_servers.get_many(tenant, list(self.database.mcp_servers.ids(tenant)))

    def update(self, tenant: str, server_id: str, body: UpdateMcpServer) -> McpServer:
        """Change what the request gives.

        Raises:
            NotFoundError: this tenant has none of this id.
            InvalidRequestError: a type that is not offered.
        """
        _refuse_other_types(body.config)

        def changed(server: McpServer) -> McpServer:
            named = replace(server, name=body.server_name) if body.server_name is not None else server
            return _with_config(named, body.config)

        return self.change(tenant, server_id, changed)

    def change(self, tenant: str, server_id: str, change: Change) -> McpServer:
        """Read the server, change it, write it; once more as often as somebody else changes it in between."""

        def attempt() -> McpServer:
            after = replace(change(self.get(tenant, server_id)), updated_at=self.clock.now())
            self.database.dynamo.write(self.database.mcp_servers.replace(after))
            return replace(after, version=after.version + 1)

        return until_unchanged(self.clock, attempt)

    def delete(self, tenant: str, server_id: str) -> McpServer:
        """Delete the server and return what it was.

        Raises:
            NotFoundError: this tenant has none of this id.
        """

        def attempt() -> McpServer:
            server = self.get(tenant, server_id)
            self.database.dynamo.write(self.database.mcp_servers.delete_unchanged(server))
            return server

        return until_unchanged(self.clock, attempt)


def show_mcp_server(server: McpServer) -> Json:
    """Show a server, with a mark where a secret is."""
    return {
        "id": server.id,
        "server_name": server.name,
        "mcp_server_type": "streamable_http",
        "server_url": server.url,
        "auth_header": server.auth_header,
        "auth_token": None if server.auth_token is None else HIDDEN,
        "custom_headers": dict.fromkeys(server.custom_headers, HIDDEN) or None,
    }


def _refuse_other_types(config: McpServerConfig) -> None:
    if config.mcp_server_type != "streamable_http":
        raise InvalidRequestError(
            f"MCP servers over {config.mcp_server_type} are not offered; serve it over streamable_http"
        )


def _with_config(server: McpServer, config: McpServerConfig) -> McpServer:
    """Return the server with what the configuration names; null takes away, the mark of a secret leaves it."""
    given: dict[str, Any] = {}
    if config.server_url is not None:
        given["url"] = config.server_url
    if "auth_header" in config.model_fields_set:
        given["auth_header"] = config.auth_header
    if "auth_token" in config.model_fields_set and config.auth_token != HIDDEN:
        given["auth_token"] = config.auth_token
    if "custom_headers" in config.model_fields_set:
        known = server.custom_headers
        headers = config.custom_headers or {}
        given["custom_headers"] = {
            name: known[name] if value == HIDDEN and name in known else value for name, value in headers.items()
        }
    return replace(server, **given)
