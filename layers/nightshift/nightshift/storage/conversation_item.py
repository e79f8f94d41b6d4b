"""The item of a conversation: reading it, what a lease puts on it, and what a refused write of it means."""

from dataclasses import asdict
from datetime import datetime, timedelta

from nightshift.clock import from_epoch_ms, to_epoch_ms
from nightshift.domain.approval import Approval, ApprovalDecision, ApprovalRequest
from nightshift.domain.conversation import ContextStart, Conversation, Lease, due_slot_epoch_s
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
        context=_to_context(item),
        approval=_to_approval(item),
        last_run_at=from_epoch_ms(item["last_run_ms"]) if "last_run_ms" in item else None,
        last_stop_reason=item.get("last_stop_reason"),
        asleep_until=from_epoch_ms(item["asleep_until_ms"]) if "asleep_until_ms" in item else None,
        due_at=from_epoch_ms(item["due_at"] * 1_000) if "due_at" in item else None,
    )


def _to_context(item: Item) -> ContextStart | None:
    """Return where a compaction lets the context go on, unless everything it left was reset since."""
    summary = item.get("summary_sequence")
    if summary is None or summary < item.get("history_starts_at", 1):
        return None
    return ContextStart(summary, item["context_starts_at"])


def approval_to_map(approval: ApprovalRequest) -> Item:
    return asdict(approval) | {"tool_call_ids": list(approval.tool_call_ids)}


def _to_approval(item: Item) -> ApprovalRequest | None:
    stored = item.get("approval")
    return ApprovalRequest(**stored | {"tool_call_ids": tuple(stored["tool_call_ids"])}) if stored else None


def takes(answers: tuple[Approval, ...]) -> tuple[str, Item]:
    """Return the condition, with its values, under which a conversation takes a run that brings these answers.

    Behind a run that waits already only the execution can tell. Else answers must be to what is asked for, or was
    asked for last, as a repetition is; and whoever brings none must not be asked for any.
    """
    match answers:
        case ():
            fits = "attribute_not_exists(#approval) OR #approval.#is_open = :no"
            return f"(size(#waiting) > :zero OR {fits})", {"zero": 0, "no": False}
        case (ApprovalDecision(names_request=True, tool_call_id=message_id),):
            return "(size(#waiting) > :zero OR #approval.#message_id = :asked)", {"zero": 0, "asked": message_id}
        case _:
            ids = sorted(answer.tool_call_id for answer in answers)
            return "(size(#waiting) > :zero OR #approval.#tool_call_ids = :asked)", {"zero": 0, "asked": ids}
