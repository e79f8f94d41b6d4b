"""Blocks: one item each in the agents table, listed by tenant in the order of their creation."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from nightshift.domain.block import Block
from nightshift.storage import listed
from nightshift.storage.dynamo import Delete, Dynamo, Item, Page, Put
from nightshift.storage.keys import scoped
from nightshift.storage.payloads import Payloads


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of the agents table."""

    dynamo: Dynamo
    table: str
    payloads: Payloads

    def create(self, block: Block) -> Put:
        """Return the write that makes the block."""
        return Put(self.table, self._to_item(block, block.version), listed.IS_NEW)

    def replace(self, block: Block) -> Put:
        """Return the write that stores a changed block if nobody changed it since this version was read."""
        item = self._to_item(block, block.version + 1)
        return Put(self.table, item, listed.IS_UNCHANGED, {"version": block.version})

    def get(self, tenant: str, block_id: str) -> Block | None:
        """Read a block, consistently."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, block_id)})
        return self._to_block(item) if item else None

    def delete(self, tenant: str, block_id: str) -> Delete:
        """Return the write that removes a block, if it is there."""
        return Delete(self.table, {"pk": scoped(tenant, block_id)}, listed.EXISTS, {})

    def list_page(self, tenant: str, *, forward: bool, limit: int, start: Item | None = None) -> Page:
        """Return index entries (`id` added) of the tenant's blocks by time of creation."""
        page = self.dynamo.query(
            self.table,
            "#listing = :listing",
            {"listing": listed.listing_of(tenant, "block")},
            index="by_listing",
            forward=forward,
            limit=limit,
            start=start,
        )
        return listed.with_ids(page)

    def index_key(self, block: Block) -> Item:
        """Return the place of a block in the index, to start a page after it."""
        return listed.place_of(block, "block")

    def get_many(self, tenant: str, block_ids: Sequence[str]) -> list[Block]:
        """Read these blocks in the given order, without those that don't exist."""
        items = self.dynamo.get_many(self.table, listed.keys_of(tenant, block_ids), consistent=True)
        return listed.in_order(block_ids, [self._to_block(item) for item in items])

    def _to_item(self, block: Block, version: int) -> Item:
        document = listed.to_document(asdict(block))
        return self.payloads.pack("agents", listed.attributes_of(block, "block", version), document)

    def _to_block(self, item: Item) -> Block:
        return Block(**listed.from_document(item, self.payloads.unpack(item)))
