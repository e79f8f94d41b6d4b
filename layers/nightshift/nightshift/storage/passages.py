"""What agents keep in long-term memory: one partition of the messages table an agent, in the order of keeping.

`sequence` is the moment of keeping in microseconds since 1970, so that the newest are read first and without an index.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from nightshift.clock import from_iso, to_iso
from nightshift.storage.dynamo import Dynamo, Item, Put
from nightshift.storage.keys import scoped
from nightshift.storage.payloads import Payloads

PAGE_PASSAGES: Final = 100
"""Passages that one query reads."""

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_DELETE_BATCH: Final = 25


@dataclass(frozen=True, slots=True)
class Passage:
    """Something that an agent wants to remember."""

    content: str
    tags: tuple[str, ...]
    kept_at: datetime


@dataclass(frozen=True, slots=True)
class Passages:
    """The passages of the messages table."""

    dynamo: Dynamo
    table: str
    payloads: Payloads

    def keep(self, tenant: str, agent_id: str, passage: Passage, place: int = 0) -> Put:
        """Return the write that keeps a passage; `place` tells apart what is kept in the same moment."""
        item = {
            "pk": _key(tenant, agent_id),
            "sequence": (passage.kept_at - _EPOCH) // timedelta(microseconds=1) + place,
            "created_at": to_iso(passage.kept_at),
            "tags": list(passage.tags),
            **self.payloads.pack(tenant, passage.content, owner=agent_id),
        }
        return Put(self.table, item, "attribute_not_exists(#pk)")

    def newest(self, tenant: str, agent_id: str) -> Iterator[Passage]:
        """Yield the agent's passages, newest first; pages are read as they are consumed."""
        condition, values = "#pk = :pk", {"pk": _key(tenant, agent_id)}
        for item in self.dynamo.query_all(
            self.table, condition, values, forward=False, limit=PAGE_PASSAGES, consistent=True
        ):
            yield self._to_passage(item)

    def delete_some(self, tenant: str, agent_id: str) -> int:
        """Remove up to 25 passages of an agent that is being deleted; return how many, 0 when none is left."""
        condition, values = "#pk = :pk", {"pk": _key(tenant, agent_id)}
        items = self.dynamo.query(self.table, condition, values, limit=_DELETE_BATCH).items
        self.payloads.delete([item["payload_key"] for item in items if "payload_key" in item])
        if items:
            self.dynamo.delete_many(self.table, [{"pk": item["pk"], "sequence": item["sequence"]} for item in items])
        return len(items)

    def _to_passage(self, item: Item) -> Passage:
        return Passage(self.payloads.unpack(item), tuple(item.get("tags", ())), from_iso(item["created_at"]))


def _key(tenant: str, agent_id: str) -> str:
    return scoped(tenant, f"{agent_id}#passages")
