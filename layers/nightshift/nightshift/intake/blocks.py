"""Creates, finds, changes and deletes memory blocks, which agents share."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.agent import Agent
from nightshift.domain.block import Block
from nightshift.domain.errors import ConditionFailedError, InvalidRequestError, NotFoundError
from nightshift.intake.agent_limits import SMALL_BLOCK_BYTES, check_memory, size_bytes
from nightshift.intake.agent_view import every_agent
from nightshift.intake.changes import until_unchanged
from nightshift.intake.listing import Listing, list_indexed
from nightshift.intake.new_block import new_block
from nightshift.intake.show_agent import show_block
from nightshift.intake.wire.blocks import MAX_BLOCK_BYTES, CreateBlock, ListBlocksQuery, UpdateBlock
from nightshift.storage.database import Database


@dataclass(frozen=True, slots=True)
class BlockRegistry:
    """The blocks of all tenants; every call names its tenant."""

    database: Database
    clock: Clock

    def create(self, tenant: str, body: CreateBlock) -> Block:
        """Make a block that no agent has yet."""
        block = new_block(tenant, body, self.clock)
        self.database.dynamo.write(self.database.blocks.create(block))
        return block

    def get(self, tenant: str, block_id: str) -> Block:
        """Return the block.

        Raises:
            NotFoundError: this tenant has none of this id.
        """
        block = self.database.blocks.get(tenant, block_id) if ids.is_well_formed("block", block_id) else None
        if block is None:
            raise NotFoundError(f"Block with ID {block_id} not found")
        return block

    def of_agent(self, agent: Agent) -> list[Block]:
        """Return the agent's blocks, those that still exist."""
        return self.database.blocks.get_many(agent.tenant, agent.block_ids)

    def list(self, tenant: str, query: ListBlocksQuery) -> Sequence[Block]:
        """Return a page of the tenant's blocks by time of creation."""
        blocks, counts = self.database.blocks, self._counts(tenant, query)
        listing = Listing(
            page=lambda forward, limit, start: blocks.list_page(tenant, forward=forward, limit=limit, start=start),
            load=lambda entries: blocks.get_many(tenant, [entry["id"] for entry in entries]),
            is_wanted=lambda block: _is_wanted(block, query) and _is_connected(counts[block.id], query),
            show=show_block,
            start_of=lambda block_id: blocks.index_key(self.get(tenant, block_id)),
        )
        return list_indexed(listing, query)

    def count(self, tenant: str) -> int:
        """Return how many blocks the tenant has."""
        return sum(1 for _ in self.database.blocks.ids(tenant))

    def update(self, tenant: str, block_id: str, body: UpdateBlock) -> Block:
        """Change the block for every agent that has it.

        Raises:
            NotFoundError: this tenant has none of this id.
            InvalidRequestError: the value would exceed a limit.
            ConflictError: an agent that has it has another block with its new label.
        """

        def attempt() -> Block:
            before = self.get(tenant, block_id)
            after = replace(_with_fields(before, body), updated_at=self.clock.now())
            self._check(before, after)
            self.database.dynamo.write(self.database.blocks.replace(after))
            return after

        return until_unchanged(self.clock, attempt)

    def delete(self, tenant: str, block_id: str) -> None:
        """Delete the block; no agent has it any more.

        Raises:
            NotFoundError: this tenant has none of this id.
        """
        try:
            self.database.dynamo.write(self.database.blocks.delete(tenant, block_id))
        except ConditionFailedError as failed:
            raise NotFoundError(f"Block with ID {block_id} not found") from failed

    def _check(self, before: Block, after: Block) -> None:
        """Check a change; only one that could disturb other blocks of an agent is worth a look at all agents."""
        check_value(after)
        has_grown = size_bytes(after) > max(SMALL_BLOCK_BYTES, size_bytes(before))
        if after.label == before.label and not has_grown:
            return
        for agent in every_agent(self.database, before.tenant):
            if before.id in agent.block_ids:
                check_memory([after if block.id == after.id else block for block in self.of_agent(agent)])

    def _counts(self, tenant: str, query: ListBlocksQuery) -> Counter[str]:
        """Count the agents of each block, if the query asks for it."""
        asked = query.connected_to_agents_count_gt, query.connected_to_agents_count_lt
        if not query.connected_to_agents_count_eq and asked == (None, None):
            return Counter()
        return Counter(block_id for agent in every_agent(self.database, tenant) for block_id in agent.block_ids)


def _with_fields(block: Block, body: UpdateBlock) -> Block:
    given: dict[str, Any] = {
        "label": body.label,
        "value": body.value,
        "limit_chars": body.limit,
        "description": body.description,
        "is_read_only": body.read_only,
        "tags": None if body.tags is None else tuple(dict.fromkeys(body.tags)),
        "metadata": body.metadata,
    }
    changed = {name: value for name, value in given.items() if value is not None}
    return replace(block, **changed, origin=block.origin | body.origin())


def check_value(block: Block) -> None:
    """Check a block's value against its limits.

    Raises:
        InvalidRequestError: it exceeds one.
    """
    if len(block.value) > block.limit_chars:
        found = len(block.value)
        raise InvalidRequestError(f"the value has {found} characters, the block's limit is {block.limit_chars}")
    if (size := size_bytes(block)) > MAX_BLOCK_BYTES:
        raise InvalidRequestError(f"the value has {size} bytes, the limit is {MAX_BLOCK_BYTES}")


def _is_wanted(block: Block, query: ListBlocksQuery) -> bool:
    matches = [tag in block.tags for tag in query.tags]
    checks = (
        query.label is None or block.label == query.label,
        query.name is None or block.origin.get("template_name") == query.name,
        _holds(block.label, query.label_search),
        _holds(block.description, query.description_search),
        _holds(block.value, query.value_search),
        not matches or (all(matches) if query.match_all_tags else any(matches)),
        not query.templates_only or bool(block.origin.get("is_template")),
        query.project_id is None or block.origin.get("project_id") == query.project_id,
        query.identity_id is None and not query.identifier_keys,
    )
    return all(checks)


def _holds(text: str | None, wanted: str | None) -> bool:
    return wanted is None or wanted.lower() in (text or "").lower()


def _is_connected(count: int, query: ListBlocksQuery) -> bool:
    equal, more, fewer = (
        query.connected_to_agents_count_eq,
        query.connected_to_agents_count_gt,
        query.connected_to_agents_count_lt,
    )
    return (not equal or count in equal) and (more is None or count > more) and (fewer is None or count < fewer)
