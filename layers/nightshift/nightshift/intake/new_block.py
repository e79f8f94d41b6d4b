"""A block as a request describes it, on its own or as part of a new agent."""

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.block import DEFAULT_BLOCK_LIMIT_CHARS, DEFAULT_DESCRIPTIONS, Block
from nightshift.intake.wire.blocks import CreateBlock


def new_block(tenant: str, body: CreateBlock, clock: Clock) -> Block:
    """Return the block that a request describes."""
    now = clock.now()
    return Block(
        id=ids.new_id("block"),
        tenant=tenant,
        label=body.label,
        value=body.value,
        created_at=now,
        updated_at=now,
        limit_chars=body.limit or DEFAULT_BLOCK_LIMIT_CHARS,
        description=DEFAULT_DESCRIPTIONS.get(body.label) if body.description is None else body.description,
        is_read_only=bool(body.read_only),
        tags=tuple(dict.fromkeys(body.tags or ())),
        metadata=body.metadata or {},
        origin=body.origin(),
    )
