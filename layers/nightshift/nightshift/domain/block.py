"""A Block: a labelled piece of memory, shared by every agent that it is attached to."""

from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

DEFAULT_BLOCK_LIMIT_CHARS = 100_000
"""Characters that a memory block may hold when its creator named no limit (letta_api_spec §5.4)."""

MAX_MEMORY_BYTES = 512 * 1024
"""For the values of an agent's blocks together: every answer about the agent shows them twice, within Lambda's 6 MB."""

DEFAULT_DESCRIPTIONS: Final = MappingProxyType(
    {
        "human": "What you know about the person you work for; keep it up to date as you learn more.",
        "persona": "Who you are and how you work; it shapes how you answer.",
    }
)
"""Label to the description of a block whose creator gave none (letta_api_spec §5.4)."""


@dataclass(frozen=True, slots=True)
class Block:
    """The stored state of one block.

    Attributes:
        origin: what a client keeps with a block and nothing here reads, such as `project_id` or `template_name`.
        version: raised by every change; a change to an older one is refused.
    """

    id: str
    tenant: str
    label: str
    value: str
    created_at: datetime
    updated_at: datetime
    limit_chars: int = DEFAULT_BLOCK_LIMIT_CHARS
    description: str | None = None
    is_read_only: bool = False
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    origin: dict[str, Any] = field(default_factory=dict)
    version: int = 0
