"""Descriptions of conversations: one item each beside the agents, listed by agent in the order of their creation.

`listing` = `tenant#conv#agent-…` is their partition of the index `by_listing`, which agents and others share.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from nightshift.clock import from_iso, to_iso
from nightshift.domain.description import Description
from nightshift.storage.dynamo import Delete, Dynamo, Item, Page, Put
from nightshift.storage.keys import scoped, split_scoped
from nightshift.storage.payloads import Payloads

LISTING_PAGE = 100
"""Entries that one query of the index reads; what one BatchGetItem can load."""

_KEYED: Final = ("id", "tenant", "agent_id", "created_at")
_TIMES: Final = ("updated_at", "archived_at", "last_message_at")
_EXISTS = "attribute_exists(#pk)"


@dataclass(frozen=True, slots=True)
class Descriptions:
    """The conversations' descriptions in the agents table."""

    dynamo: Dynamo
    table: str
    payloads: Payloads

    def create(self, description: Description) -> Put:
        """Return the write that makes the description."""
        return Put(self.table, self._to_item(description), "attribute_not_exists(#pk)")

    def replace(self, description: Description) -> None:
        """Write the description anew.

        Raises:
            ConditionFailedError: it was deleted meanwhile.
        """
        self.dynamo.write(Put(self.table, self._to_item(description), _EXISTS))

    def delete(self, tenant: str, conversation_id: str) -> Delete:
        """Return the write that removes a description, if it is there."""
        return Delete(self.table, {"pk": scoped(tenant, conversation_id)}, _EXISTS, {})

    def get(self, tenant: str, conversation_id: str) -> Description | None:
        """Read a description, consistently."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, conversation_id)})
        return self._to_description(item) if item else None

    def list_page(
        self, tenant: str, agent_id: str, *, forward: bool, limit: int = LISTING_PAGE, start: Item | None = None
    ) -> Page:
        """Return index entries (`conversation_id` added) of the agent's conversations by time of creation."""
        condition, values = "#listing = :listing", {"listing": _listing(tenant, agent_id)}
        page = self.dynamo.query(
            self.table, condition, values, index="by_listing", forward=forward, limit=limit, start=start
        )
        return Page([item | {"conversation_id": split_scoped(item["pk"])[1]} for item in page.items], page.next_key)

    def ids_of(self, tenant: str, agent_id: str) -> Iterator[str]:
        """Yield the ids of all conversations of the agent but its default one."""
        start: Item | None = None
        while True:
            page = self.list_page(tenant, agent_id, forward=True, start=start)
            yield from (item["conversation_id"] for item in page.items)
            start = page.next_key
            if start is None:
                return

    def get_many(self, tenant: str, conversation_ids: Sequence[str]) -> list[Description]:
        """Read these descriptions in the given order, without those that don't exist."""
        keys = [{"pk": scoped(tenant, conversation_id)} for conversation_id in conversation_ids]
        found = {one.id: one for one in map(self._to_description, self.dynamo.get_many(self.table, keys))}
        return [found[conversation_id] for conversation_id in conversation_ids if conversation_id in found]

    def index_key(self, description: Description) -> Item:
        """Return the place of a description in the index, to start a page after it."""
        return {
            "pk": scoped(description.tenant, description.id),
            "listing": _listing(description.tenant, description.agent_id),
            "created_order": _order(description),
        }

    def _to_item(self, description: Description) -> Item:
        document: dict[str, Any] = asdict(description)
        for name in _KEYED:
            document.pop(name)
        for name in _TIMES:
            moment = getattr(description, name)
            document[name] = to_iso(moment) if moment else None
        plain = {name: value for name, value in document.items() if value is not None}
        item = self.index_key(description) | {"agent_id": description.agent_id}
        return self.payloads.pack("agents", item, plain)

    def _to_description(self, item: Item) -> Description:
        tenant, conversation_id = split_scoped(item["pk"])
        document = self.payloads.unpack(item)
        times = {name: from_iso(document.pop(name)) for name in _TIMES if name in document}
        created_at = from_iso(item["created_order"].partition("#")[0])
        return Description(
            id=conversation_id,
            tenant=tenant,
            agent_id=item["agent_id"],
            created_at=created_at,
            **document | times,
        )


def _listing(tenant: str, agent_id: str) -> str:
    return f"{tenant}#conv#{agent_id}"


def _order(description: Description) -> str:
    return f"{to_iso(description.created_at)}#{description.id}"
