"""What agents keep in archival memory: one partition of the messages table an agent, in the order of keeping.

`sequence` is the moment of keeping in microseconds since 1970, which the passage's id holds, so that the newest are
read first, a cursor leads to its place, and no index is needed. The item at sequence 0 counts them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from nightshift.clock import from_iso, to_iso
from nightshift.domain import ids
from nightshift.domain.errors import ConditionFailedError
from nightshift.domain.passage import MAX_SEARCHED_PASSAGES, Passage
from nightshift.storage.dynamo import Delete, Dynamo, Item, Page, Put, Update, Write
from nightshift.storage.keys import scoped
from nightshift.storage.payloads import Payloads

PAGE_PASSAGES: Final = 100
"""Passages that one query reads."""

_COUNTER: Final = 0
_DELETE_BATCH: Final = 25


@dataclass(frozen=True, slots=True)
class Passages:
    """The passages of the messages table."""

    dynamo: Dynamo
    table: str
    payloads: Payloads

    def keep(self, tenant: str, agent_id: str, passages: Sequence[Passage]) -> list[Write]:
        """Return the writes that keep passages, whose moments must be free."""
        puts = [self._put(tenant, agent_id, passage) for passage in passages]
        return [*puts, self._count_on(tenant, agent_id, len(puts))] if puts else []

    def delete(self, tenant: str, agent_id: str, passage_id: str) -> bool:
        """Remove a passage; return whether it was there."""
        key = self._key(tenant, agent_id, ids.moment_of_passage(passage_id))
        try:
            gone = Delete(self.table, key, "#id = :id", {"id": passage_id})
            self.dynamo.transact([gone, self._count_on(tenant, agent_id, -1)])
        except ConditionFailedError:
            return False
        return True

    def count(self, tenant: str, agent_id: str) -> int:
        """Return how many passages the agent has."""
        item = self.dynamo.get(self.table, self._key(tenant, agent_id, _COUNTER))
        return int(item["passage_count"]) if item else 0

    def newest(self, tenant: str, agent_id: str) -> Iterator[Passage]:
        """Yield the agent's newest passages, newest first, as many as a search looks at; pages are read as consumed."""
        condition, values = _condition(tenant, agent_id)
        items = self.dynamo.query_all(
            self.table, condition, values, forward=False, limit=PAGE_PASSAGES, consistent=True
        )
        return (self.to_passage(item) for item in islice(items, MAX_SEARCHED_PASSAGES))

    def page(self, tenant: str, agent_id: str, forward: bool, limit: int, start: Item | None) -> Page:
        """Read a page of items in the order of keeping, from behind the key `start`; for `to_passage`."""
        condition, values = _condition(tenant, agent_id)
        return self.dynamo.query(
            self.table, condition, values, forward=forward, limit=limit, start=start, consistent=True
        )

    def start_of(self, tenant: str, agent_id: str, passage_id: str) -> Item:
        """Return the key behind which the page goes on that follows a passage."""
        return self._key(tenant, agent_id, ids.moment_of_passage(passage_id))

    def delete_some(self, tenant: str, agent_id: str) -> int:
        """Remove up to 25 items of an agent that is being deleted; return how many, 0 when none is left."""
        values = {"pk": _partition(tenant, agent_id)}
        items = self.dynamo.query(self.table, "#pk = :pk", values, limit=_DELETE_BATCH).items
        if items:
            self.dynamo.delete_many(self.table, [{"pk": item["pk"], "sequence": item["sequence"]} for item in items])
        return len(items)

    def to_passage(self, item: Item) -> Passage:
        """Read a passage, its text from the payload bucket where it is large."""
        content = self.payloads.unpack(item)
        return Passage(item["id"], content, tuple(item.get("tags", ())), from_iso(item["created_at"]))

    def _put(self, tenant: str, agent_id: str, passage: Passage) -> Put:
        item = {
            **self._key(tenant, agent_id, ids.moment_of_passage(passage.id)),
            "id": passage.id,
            "created_at": to_iso(passage.created_at),
            "tags": list(passage.tags),
        }
        packed = self.payloads.pack("messages", item, passage.content)
        return Put(self.table, packed, "attribute_not_exists(#pk)")

    def _count_on(self, tenant: str, agent_id: str, change: int) -> Update:
        key = self._key(tenant, agent_id, _COUNTER)
        return Update(self.table, key, "ADD #passage_count :change", values={"change": change})

    def _key(self, tenant: str, agent_id: str, sequence: int) -> Item:
        return {"pk": _partition(tenant, agent_id), "sequence": sequence}


def _condition(tenant: str, agent_id: str) -> tuple[str, Item]:
    values = {"pk": _partition(tenant, agent_id), "counter": _COUNTER}
    return "#pk = :pk AND #sequence > :counter", values


def _partition(tenant: str, agent_id: str) -> str:
    return scoped(tenant, f"{agent_id}#passages")
