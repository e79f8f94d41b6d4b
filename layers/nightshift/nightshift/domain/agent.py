"""An Agent: instructions, memory blocks and a model, whose conversations are stored apart."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

DEFAULT_CONTEXT_WINDOW_TOKENS = 128_000
"""Context window of an agent whose creator named none (letta_api_spec §3.9)."""

DEFAULT_BLOCK_LIMIT_CHARS = 100_000
"""Characters that a memory block may hold when its creator named no limit (letta_api_spec §5.4)."""


@dataclass(frozen=True, slots=True)
class Block:
    """A labelled piece of memory that is part of the system prompt."""

    id: str
    label: str
    value: str
    limit_chars: int = DEFAULT_BLOCK_LIMIT_CHARS
    description: str | None = None
    is_read_only: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Agent:
    """The stored state of one agent; `model` is a handle `provider/model`."""

    id: str
    tenant: str
    name: str
    model: str
    system: str
    created_at: datetime
    updated_at: datetime
    agent_type: str = "letta_v1_agent"
    description: str | None = None
    blocks: tuple[Block, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    context_window_tokens: int = DEFAULT_CONTEXT_WINDOW_TOKENS
    max_output_tokens: int | None = None
    temperature: float | None = None
    embedding: str | None = None
    timezone: str = "UTC"
