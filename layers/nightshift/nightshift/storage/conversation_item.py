"""The item of a conversation: reading it, what a lease puts on it, and what a refused write of it means."""

from datetime import datetime, timedelta

from nightshift.clock import from_epoch_ms, to_epoch_ms
from nightshift.domain.conversation import Conversation, Lease, due_slot_epoch_s
from nightshift.domain.errors import ConditionFailedError, LeaseLostError
from nightshift.storage.dynamo import Item
from nightshift.storage.keys import DUE_SHARD, split_scoped


def require_held(failed: ConditionFailedError, lease: Lease) -> None:
    if failed.found.get("fencing_token") != lease.fencing_token:
        raise lost(lease) from failed


def lost(lease: Lease) -> LeaseLostError:
    return LeaseLostError(f"conversation {lease.conversation_id} was claimed by another runner")


def lease_values(now: datetime, duration: timedelta) -> Item:
    return {
        "now": to_epoch_ms(now),
        "expires": to_epoch_ms(now + duration),
        "due_shard": DUE_SHARD,
        "due_at": due_slot_epoch_s(now + duration),
    }


def to_conversation(item: Item) -> Conversation:
    tenant, conversation_id = split_scoped(item["pk"])
    expires = item.get("lease_expires_ms")
    return Conversation(
        tenant=tenant,
        id=conversation_id,
        agent_id=item["agent_id"],
        waiting=tuple(item["waiting"]),
        next_sequence=item["next_sequence"],
        lease_holder=item.get("lease_holder"),
        lease_expires_at=from_epoch_ms(expires) if expires is not None else None,
        fencing_token=item["fencing_token"],
        is_deleted="deleted_at" in item,
        history_starts_at=item.get("history_starts_at", 1),
        last_run_at=from_epoch_ms(item["last_run_ms"]) if "last_run_ms" in item else None,
        last_stop_reason=item.get("last_stop_reason"),
    )
