"""What agents, blocks and tools share as items of the agents table: a key, a version, a place in `by_listing`.

A change writes the whole item on condition that nobody else did since it was read; see docs/adr/0003 for the form:

    reader A  get (version 4) ──────────────────── put if version = 4 → 5     taken
    reader B  get (version 4) ─ put if version = 4 ✗ the item is 5 → reads again, changes that
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from nightshift.clock import from_iso, to_iso
from nightshift.storage.dynamo import Item, Page
from nightshift.storage.keys import scoped, split_scoped

IS_NEW = "attribute_not_exists(#pk)"
IS_UNCHANGED = "#version = :version"
EXISTS = "attribute_exists(#pk)"

_OF_THE_ITEM = ("id", "tenant", "created_at", "version")


class Listed(Protocol):
    """Something that is listed by its tenant in the order of creation."""

    @property
    def id(self) -> str: ...
    @property
    def tenant(self) -> str: ...
    @property
    def created_at(self) -> datetime: ...
    @property
    def version(self) -> int: ...


def listing_of(tenant: str, kind: str) -> str:
    """Return the partition of `by_listing` that lists a tenant's things of one kind."""
    return f"{tenant}#{kind}"


def attributes_of(thing: Listed, kind: str, version: int) -> Item:
    """Return the item's own attributes, to which its payload comes."""
    return {**place_of(thing, kind), "version": version}


def place_of(thing: Listed, kind: str) -> Item:
    """Return the key of the thing in the index, to start a page after it."""
    return {
        "pk": scoped(thing.tenant, thing.id),
        "listing": listing_of(thing.tenant, kind),
        "created_order": f"{to_iso(thing.created_at)}#{thing.id}",
    }


def to_document(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a thing's fields goes into its payload."""
    document = {name: value for name, value in fields.items() if name not in _OF_THE_ITEM}
    return document | {"updated_at": to_iso(document["updated_at"])}


def from_document(item: Item, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return all fields of a thing, lists as tuples where the top level of the document has them."""
    tenant, thing_id = split_scoped(item["pk"])
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in document.items()}
    return fields | {
        "id": thing_id,
        "tenant": tenant,
        "created_at": from_iso(item["created_order"].partition("#")[0]),
        "updated_at": from_iso(document["updated_at"]),
        "version": item["version"],
    }


def keys_of(tenant: str, ids: Sequence[str]) -> list[Item]:
    """Return the keys of things, each once: BatchGetItem refuses a key that is named twice."""
    return [{"pk": scoped(tenant, thing_id)} for thing_id in dict.fromkeys(ids)]


def in_order[Thing: Listed](ids: Sequence[str], things: Sequence[Thing]) -> list[Thing]:
    """Return the things in the order of the ids, without those that don't exist."""
    found = {thing.id: thing for thing in things}
    return [found[thing_id] for thing_id in ids if thing_id in found]


def with_ids(page: Page) -> Page:
    """Add the `id` to index entries."""
    return Page([entry | {"id": split_scoped(entry["pk"])[1]} for entry in page.items], page.next_key)
