"""What agents, blocks, tools and MCP servers share: items of the agents table with a key, a version, a place in a list.

A change writes the whole item on condition that nobody else did since it was read; see docs/adr/0003 for the form:

    reader A  get (version 4) ──────────────────── put if version = 4 → 5     taken
    reader B  get (version 4) ─ put if version = 4 ✗ the item is 5 → reads again, changes that
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from nightshift.clock import from_iso, to_iso
from nightshift.storage.dynamo import Delete, Dynamo, Item, Page, Put
from nightshift.storage.keys import scoped, split_scoped
from nightshift.storage.payloads import Payloads

IS_NEW = "attribute_not_exists(#pk)"
_IS_UNCHANGED = "#version = :version"
_EXISTS = "attribute_exists(#pk)"
_OF_THE_ITEM = ("id", "tenant", "created_at", "version")


class Listed(Protocol):
    """Something that is listed by its tenant in the order of creation."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def id(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def version(self) -> int: ...


@dataclass(frozen=True, slots=True)
class ListedItems[Thing: Listed](ABC):
    """The items of one kind of things. `kind` names their partition of the index `by_listing`: `tenant#kind`."""

    kind: ClassVar[str]
    dynamo: Dynamo
    table: str
    payloads: Payloads

    def create(self, thing: Thing) -> Put:
        """Return the write that makes the thing."""
        return Put(self.table, self._to_item(thing, thing.version), IS_NEW)

    def replace(self, thing: Thing) -> Put:
        """Return the write that stores a changed thing if nobody changed it since this version was read."""
        item = self._to_item(thing, thing.version + 1)
        return Put(self.table, item, _IS_UNCHANGED, {"version": thing.version})

    def delete(self, tenant: str, thing_id: str) -> Delete:
        """Return the write that removes a thing, if it is there."""
        return Delete(self.table, {"pk": scoped(tenant, thing_id)}, _EXISTS, {})

    def delete_unchanged(self, thing: Thing) -> Delete:
        """Return the write that removes a thing if nobody changed it since this version was read."""
        key = {"pk": scoped(thing.tenant, thing.id)}
        return Delete(self.table, key, _IS_UNCHANGED, {"version": thing.version})

    def get(self, tenant: str, thing_id: str) -> Thing | None:
        """Read a thing, consistently."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, thing_id)})
        return self._to_thing(item) if item else None

    def get_many(self, tenant: str, ids: Sequence[str]) -> list[Thing]:
        """Read these things in the given order, without those that don't exist."""
        # Each key once: BatchGetItem refuses one that is named twice.
        keys = [{"pk": scoped(tenant, thing_id)} for thing_id in dict.fromkeys(ids)]
        things = map(self._to_thing, self.dynamo.get_many(self.table, keys, consistent=True))
        found = {thing.id: thing for thing in things}
        return [found[thing_id] for thing_id in ids if thing_id in found]

    def list_page(self, tenant: str, *, forward: bool, limit: int, start: Item | None = None) -> Page:
        """Return index entries (`id` added) of the tenant's things by time of creation."""
        condition, values = self._listing(tenant)
        page = self.dynamo.query(
            self.table, condition, values, index="by_listing", forward=forward, limit=limit, start=start
        )
        return Page([entry | {"id": split_scoped(entry["pk"])[1]} for entry in page.items], page.next_key)

    def ids(self, tenant: str) -> Iterator[str]:
        """Yield the ids of all the tenant's things, oldest first."""
        condition, values = self._listing(tenant)
        entries = self.dynamo.query_all(self.table, condition, values, index="by_listing")
        return (split_scoped(entry["pk"])[1] for entry in entries)

    def index_key(self, thing: Thing) -> Item:
        """Return the place of a thing in the index, to start a page after it."""
        return {
            "pk": scoped(thing.tenant, thing.id),
            "listing": f"{thing.tenant}#{self.kind}",
            "created_order": f"{to_iso(thing.created_at)}#{thing.id}",
        }

    @abstractmethod
    def _from_fields(self, fields: dict[str, Any]) -> Thing:
        """Make a thing of its fields; lists of the top level are tuples."""

    def _to_fields(self, thing: Thing) -> dict[str, Any]:
        """Return a thing's fields as JSON may hold them, but for its times."""
        return asdict(thing)

    def _listing(self, tenant: str) -> tuple[str, Item]:
        return "#listing = :listing", {"listing": f"{tenant}#{self.kind}"}

    def _to_item(self, thing: Thing, version: int) -> Item:
        item = self.index_key(thing) | {"version": version}
        document = {name: value for name, value in self._to_fields(thing).items() if name not in _OF_THE_ITEM}
        return self.payloads.pack("agents", item, document | {"updated_at": to_iso(document["updated_at"])})

    def _to_thing(self, item: Item) -> Thing:
        document: Mapping[str, Any] = self.payloads.unpack(item)
        tenant, thing_id = split_scoped(item["pk"])
        fields = {name: tuple(value) if isinstance(value, list) else value for name, value in document.items()}
        of_the_item = {
            "id": thing_id,
            "tenant": tenant,
            "created_at": from_iso(item["created_order"].partition("#")[0]),
            "updated_at": from_iso(document["updated_at"]),
            "version": item["version"],
        }
        return self._from_fields(fields | of_the_item)
