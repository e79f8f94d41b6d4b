"""The append-only log of messages: one partition a conversation, sorted by sequence (promise 10).

Sequence 0 is the system message. A run's messages are a range of the log, and what a step reads is bounded by the
model's context window, so nothing here depends on how long the history is.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from nightshift.clock import from_iso, to_iso
from nightshift.domain.message import Message
from nightshift.storage.draft_json import draft_to_json, json_to_draft
from nightshift.storage.dynamo import Dynamo, Item, Put
from nightshift.storage.keys import scoped
from nightshift.storage.payloads import Payloads

PAGE_MESSAGES = 50
"""Messages that one query reads; about what a context window holds."""

DELETE_BATCH = 25
"""Items that one BatchWriteItem may remove (DynamoDB API reference)."""


@dataclass(frozen=True, slots=True)
class Messages:
    """The messages table."""

    dynamo: Dynamo
    table: str
    payloads: Payloads

    def append(self, tenant: str, conversation_id: str, message: Message) -> Put:
        """Return the write that puts a message at its place, which must be free."""
        item = {
            "pk": scoped(tenant, conversation_id),
            "sequence": message.sequence,
            "id": message.id,
            "role": message.role.value,
            "created_at": to_iso(message.created_at),
            "run_id": message.run_id,
            "step_id": message.step_id,
        }
        packed = self.payloads.pack("messages", item, draft_to_json(message.draft))
        return Put(self.table, packed, "attribute_not_exists(#pk)")

    def replace_system(self, tenant: str, conversation_id: str, message: Message) -> Put:
        """Return the write that puts a newly compiled system message in the place of the one at sequence 0."""
        return Put(self.table, self.append(tenant, conversation_id, message).item, "attribute_exists(#pk)")

    def system_message(self, tenant: str, conversation_id: str) -> Message | None:
        """Read the message at sequence 0."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, conversation_id), "sequence": 0})
        return self._to_message(item) if item else None

    def get(self, tenant: str, conversation_id: str, sequence: int) -> Message | None:
        """Read the message at this place."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, conversation_id), "sequence": sequence})
        return self._to_message(item) if item else None

    def read(
        self,
        tenant: str,
        conversation_id: str,
        *,
        first: int,
        last: int,
        newest_first: bool = False,
        page_size: int = PAGE_MESSAGES,
    ) -> Iterator[Message]:
        """Yield the messages at sequences `first` to `last`, both included; pages are read as they are consumed."""
        if first > last:
            return
        items = self.dynamo.query_all(
            self.table,
            "#pk = :pk AND #sequence BETWEEN :first AND :last",
            {"pk": scoped(tenant, conversation_id), "first": first, "last": last},
            forward=not newest_first,
            limit=page_size,
            consistent=True,
        )
        for item in items:
            yield self._to_message(item)

    def delete_some(self, tenant: str, conversation_id: str) -> int:
        """Remove up to 25 messages of a conversation that is being deleted; return how many, 0 when none is left."""
        condition, values = "#pk = :pk", {"pk": scoped(tenant, conversation_id)}
        items = self.dynamo.query(self.table, condition, values, limit=DELETE_BATCH).items
        if items:
            self.dynamo.delete_many(self.table, [{"pk": item["pk"], "sequence": item["sequence"]} for item in items])
        return len(items)

    def _to_message(self, item: Item) -> Message:
        return Message(
            id=item["id"],
            sequence=item["sequence"],
            created_at=from_iso(item["created_at"]),
            draft=json_to_draft(self.payloads.unpack(item) | {"role": item["role"]}),
            run_id=item.get("run_id"),
            step_id=item.get("step_id"),
        )
