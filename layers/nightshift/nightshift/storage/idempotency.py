"""Which run a repeatable request became: one item a key, written within the transaction that accepts the run.

    accept    put     if there is none, or the one there has expired             → http_api

    first request    key: put, run: put          ┐ one transaction each: of any number that come at once, one is taken,
    any other one    key: condition fails        ┘ and the others find in the item that was there which run it became

The item expires by itself; DynamoDB removes expired items within days, so its time is looked at too.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from nightshift.storage.dynamo import Dynamo, Item, Put
from nightshift.storage.keys import IDEMPOTENCY, scoped

WINDOW: Final = timedelta(hours=24)
"""How long a key is remembered; what services with such keys commonly promise."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What a key was used for."""

    run_id: str
    body_hash: str


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The keys of the runs table."""

    dynamo: Dynamo
    table: str

    def claim(self, tenant: str, conversation_id: str, key: str, use: KeyUse, now: datetime) -> Put:
        """Return the write that takes the key for a run; it fails when the key is in use.

        Args:
            key: a digest of what the client sent; never longer than a digest.
        """
        item = self._key(tenant, conversation_id, key) | {
            "run_id": use.run_id,
            "body_hash": use.body_hash,
            "expires_at": int((now + WINDOW).timestamp()),
        }
        condition = "attribute_not_exists(#pk) OR #expires_at <= :now"
        return Put(self.table, item, condition, {"now": int(now.timestamp())})

    def find(self, tenant: str, conversation_id: str, key: str, now: datetime) -> KeyUse | None:
        """Read what the key was used for, None when it is free."""
        item = self.dynamo.get(self.table, self._key(tenant, conversation_id, key))
        return to_key_use(item) if item and item["expires_at"] > now.timestamp() else None

    def _key(self, tenant: str, conversation_id: str, key: str) -> Item:
        return {"pk": scoped(tenant, f"idempotency#{conversation_id}#{key}"), "sk": IDEMPOTENCY}


def to_key_use(item: Item) -> KeyUse:
    """Read a stored key, such as the one that a failed condition found."""
    return KeyUse(item["run_id"], item["body_hash"])
