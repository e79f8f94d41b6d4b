"""Blocks: one item each in the agents table, listed by tenant in the order of their creation."""

from dataclasses import dataclass
from typing import Any, ClassVar

from nightshift.domain.block import Block
from nightshift.storage.listed import ListedItems


@dataclass(frozen=True, slots=True)
class Blocks(ListedItems[Block]):
    """The blocks of the agents table."""

    kind: ClassVar = "block"

    def _from_fields(self, fields: dict[str, Any]) -> Block:
        return Block(**fields)
