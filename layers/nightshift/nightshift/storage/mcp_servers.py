"""MCP servers: one item each in the agents table, listed by tenant in the order of their creation."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from nightshift.domain.mcp_server import McpServer
from nightshift.storage import listed
from nightshift.storage.dynamo import Delete, Dynamo, Item, Page, Put
from nightshift.storage.keys import scoped
from nightshift.storage.payloads import Payloads


@dataclass(frozen=True, slots=True)
class McpServers:
    """The MCP servers of the agents table."""

    dynamo: Dynamo
    table: str
    payloads: Payloads

    def create(self, server: McpServer) -> Put:
        """Return the write that makes the server."""
        return Put(self.table, self._to_item(server, server.version), listed.IS_NEW)

    def replace(self, server: McpServer) -> Put:
        """Return the write that stores a changed server if nobody changed it since this version was read."""
        item = self._to_item(server, server.version + 1)
        return Put(self.table, item, listed.IS_UNCHANGED, {"version": server.version})

    def get(self, tenant: str, server_id: str) -> McpServer | None:
        """Read a server, consistently."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, server_id)})
        return self._to_server(item) if item else None

    def delete(self, server: McpServer) -> Delete:
        """Return the write that removes a server if nobody changed it since this version was read."""
        key = {"pk": scoped(server.tenant, server.id)}
        return Delete(self.table, key, listed.IS_UNCHANGED, {"version": server.version})

    def list_page(self, tenant: str, *, limit: int, start: Item | None = None) -> Page:
        """Return index entries (`id` added) of the tenant's servers, oldest first."""
        page = self.dynamo.query(
            self.table,
            "#listing = :listing",
            {"listing": listed.listing_of(tenant, "mcp_server")},
            index="by_listing",
            limit=limit,
            start=start,
        )
        return listed.with_ids(page)

    def get_many(self, tenant: str, server_ids: Sequence[str]) -> list[McpServer]:
        """Read these servers in the given order, without those that don't exist."""
        items = self.dynamo.get_many(self.table, listed.keys_of(tenant, server_ids), consistent=True)
        return listed.in_order(server_ids, [self._to_server(item) for item in items])

    def _to_item(self, server: McpServer, version: int) -> Item:
        document = listed.to_document(asdict(server))
        return self.payloads.pack("agents", listed.attributes_of(server, "mcp_server", version), document)

    def _to_server(self, item: Item) -> McpServer:
        return McpServer(**listed.from_document(item, self.payloads.unpack(item)))
