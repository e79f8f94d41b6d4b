"""Conversations: the queue of waiting runs, the lease and the fencing token, all on one small item.

    accept    waiting + run           if the conversation exists and is not being deleted          → http_api
    claim     holder, token + 1       if something is to do and nobody holds it (or its lease is over)
    renew     lease end               if this token, and not given back                            → heartbeat
    wake      no sleep, due           if the run that was cancelled is the first                   → cancel
    reset     history starts anew     if nothing is to do and nobody holds it                      → http_api
    compact   context starts anew     if this token                                                → compaction
    finish    waiting - run           if this token, and the run is the first                      → terminal write
    release   no holder, not due      if this token, and nothing waits: promise 5
    hand over no holder, still due    if this token                                                → next slice

`due_at` puts the item into the due-index as long as somebody must look at it: a run waits, or a lease can expire.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from nightshift.clock import to_epoch_ms
from nightshift.domain.approval import Approval, ApprovalRequest
from nightshift.domain.conversation import (
    DOORBELL_GRACE,
    MAX_WAITING_RUNS,
    ContextStart,
    Conversation,
    Lease,
    due_slot_epoch_s,
)
from nightshift.domain.errors import ConditionFailedError
from nightshift.domain.stop_reason import StopReason
from nightshift.storage.conversation_item import (
    approval_to_map,
    lease_values,
    lost,
    require_held,
    takes,
    to_conversation,
)
from nightshift.storage.dynamo import Check, Delete, Dynamo, Item, Put, Update
from nightshift.storage.keys import DUE_SHARD, scoped, split_scoped

_HOLDS_LEASE = "#fencing_token = :token"
_NOT_GIVEN_BACK = "#lease_holder = :holder"
_NOBODY_HOLDS_LEASE = "(attribute_not_exists(#lease_holder) OR #lease_expires_ms < :now)"
_SOMETHING_TO_DO = "(size(#waiting) > :zero OR attribute_exists(#deleted_at))"
_NOT_ASLEEP = "(attribute_not_exists(#asleep_until_ms) OR #asleep_until_ms <= :now)"
_NO_RUN_WAITS = "size(#waiting) = :zero AND attribute_not_exists(#deleted_at)"
_RUN_IS_FIRST = "#waiting[0] = :run_id"
_RUN_IS_ALONE = "size(#waiting) = :one AND attribute_not_exists(#deleted_at)"
_EXISTS = "attribute_exists(#pk)"


@dataclass(frozen=True, slots=True)
class Departure:
    """A run that leaves the queue.

    Attributes:
        next_sequence: place in the log of the conversation's next message.
        approval: what its client is asked for now, or has answered; None where that stays as it is.
    """

    run_id: str
    next_sequence: int
    stop_reason: StopReason
    now: datetime
    approval: ApprovalRequest | None = None


@dataclass(frozen=True, slots=True)
class Conversations:
    """The conversations table."""

    dynamo: Dynamo
    table: str

    def create(
        self,
        tenant: str,
        conversation_id: str,
        agent_id: str,
        *,
        next_sequence: int = 1,
        context: ContextStart | None = None,
    ) -> Put:
        """Return the write that makes a conversation whose system message is at sequence 0."""
        item = {
            "pk": scoped(tenant, conversation_id),
            "agent_id": agent_id,
            "waiting": [],
            "next_sequence": next_sequence,
            "fencing_token": 0,
            "summary_sequence": context and context.summary_sequence,
            "context_starts_at": context and context.first_sequence,
        }
        return Put(self.table, item, "attribute_not_exists(#pk)")

    def get(self, tenant: str, conversation_id: str) -> Conversation | None:
        """Read a conversation, consistently."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, conversation_id)})
        return to_conversation(item) if item else None

    def enqueue(
        self,
        tenant: str,
        conversation_id: str,
        run_id: str,
        now: datetime,
        answers: tuple[Approval, ...] | None = None,
    ) -> Update:
        """Return the write that gives a run its place. The list's order is the order of acceptance.

        A due time that is there already stays: it is a lease's end or an earlier run's doorbell. With `answers`, none
        of them included, it fails where the run is known to fit what the client is asked for or not.
        """
        fits, values = ("", {}) if answers is None else takes(answers)
        return Update(
            self.table,
            {"pk": scoped(tenant, conversation_id)},
            "SET #waiting = list_append(#waiting, :run_ids), #due_shard = :due_shard,"
            " #due_at = if_not_exists(#due_at, :due_at)",
            f"{_EXISTS} AND attribute_not_exists(#deleted_at) AND size(#waiting) < :max_waiting"
            + (f" AND {fits}" if fits else ""),
            values
            | {
                "run_ids": [run_id],
                "due_shard": DUE_SHARD,
                "due_at": due_slot_epoch_s(now + DOORBELL_GRACE),
                "max_waiting": MAX_WAITING_RUNS,
            },
        )

    def claim(
        self, tenant: str, conversation_id: str, holder: str, now: datetime, duration: timedelta
    ) -> Conversation | None:
        """Take the lease if something is to do and nobody has it; None when not. Raises the fencing token.

        `holder` is unique to the claim, so a claim whose answer was lost is recognised as one's own.
        """
        write = Update(
            self.table,
            {"pk": scoped(tenant, conversation_id)},
            "SET #lease_holder = :holder, #lease_expires_ms = :expires, #fencing_token = #fencing_token + :one,"
            " #due_shard = :due_shard, #due_at = :due_at REMOVE #asleep_until_ms",
            f"{_EXISTS} AND {_SOMETHING_TO_DO} AND {_NOBODY_HOLDS_LEASE} AND {_NOT_ASLEEP}",
            lease_values(now, duration) | {"holder": holder, "one": 1, "zero": 0},
        )
        try:
            return to_conversation(self.dynamo.write(write))
        except ConditionFailedError as failed:
            return to_conversation(failed.found) if failed.found.get("lease_holder") == holder else None

    def renew(self, lease: Lease, now: datetime, duration: timedelta) -> Conversation:
        """Move the end of the lease; return the conversation, which others may have added to or deleted.

        A heartbeat that is still on its way when its runner gives the lease back must not put the conversation into
        the due-index again: nobody would ever take it out.

        Raises:
            LeaseLostError: another runner has claimed the conversation, or this one has given it back.
        """
        expression = "SET #lease_expires_ms = :expires, #due_shard = :due_shard, #due_at = :due_at"
        values = lease_values(now, duration) | {"holder": lease.holder}
        return to_conversation(self._write_held(lease, expression, values, f"{_HOLDS_LEASE} AND {_NOT_GIVEN_BACK}"))

    def dequeue(self, lease: Lease, left: Departure) -> Update:
        """Return the write that takes the finished run off the queue and keeps the lease."""
        return self._dequeue(lease, left, "", _RUN_IS_FIRST)

    def dequeue_and_release(self, lease: Lease, left: Departure) -> Update:
        """Return the write that takes the only waiting run off the queue and gives the lease back with it."""
        condition = f"{_RUN_IS_FIRST} AND {_RUN_IS_ALONE}"
        release = ", #lease_holder, #lease_expires_ms, #due_shard, #due_at"
        return self._dequeue(lease, left, release, condition)

    def _dequeue(self, lease: Lease, left: Departure, release: str, condition: str) -> Update:
        asked = ", #approval = :approval" if left.approval else ""
        return Update(
            self.table,
            {"pk": scoped(lease.tenant, lease.conversation_id)},
            "SET #next_sequence = :next_sequence, #last_stop_reason = :last_stop_reason, #last_run_ms = :now"
            f"{asked} REMOVE #waiting[0]{release}",
            f"{_HOLDS_LEASE} AND {condition}",
            {
                "token": lease.fencing_token,
                "run_id": left.run_id,
                "next_sequence": left.next_sequence,
                "last_stop_reason": left.stop_reason.value,
                "now": to_epoch_ms(left.now),
                "approval": approval_to_map(left.approval) if left.approval else None,
                "one": 1,
            },
        )

    def release(self, lease: Lease) -> Conversation | None:
        """Give the lease back unless a run waits; return the conversation then, None when it is released.

        Between "no run waits" and this write another run may be accepted: the condition catches it, and the caller
        goes on with what is returned (promise 5).

        Raises:
            LeaseLostError: another runner has claimed the conversation.
        """
        write = Update(
            self.table,
            {"pk": scoped(lease.tenant, lease.conversation_id)},
            "REMOVE #lease_holder, #lease_expires_ms, #due_shard, #due_at",
            f"{_HOLDS_LEASE} AND {_NO_RUN_WAITS}",
            {"token": lease.fencing_token, "zero": 0},
        )
        try:
            self.dynamo.write(write)
        except ConditionFailedError as failed:
            require_held(failed, lease)
            return to_conversation(failed.found)
        return None

    def hand_over(self, lease: Lease, now: datetime) -> None:
        """Give the lease back although a run goes on: the next slice claims it, or the sweeper rings for it.

        Raises:
            LeaseLostError: another runner has claimed the conversation.
        """
        expression = "SET #due_at = :due_at REMOVE #lease_holder, #lease_expires_ms"
        self._write_held(lease, expression, {"due_at": due_slot_epoch_s(now + DOORBELL_GRACE)})

    def postpone(self, tenant: str, conversation_id: str, now: datetime, delay: timedelta) -> None:
        """Let the sweeper pass over a conversation that nobody may claim; not one that is due later anyway."""
        write = Update(
            self.table,
            {"pk": scoped(tenant, conversation_id)},
            "SET #due_at = :due_at",
            f"#due_at < :due_at AND {_NOBODY_HOLDS_LEASE}",
            {"due_at": due_slot_epoch_s(now + delay), "now": to_epoch_ms(now)},
        )
        with suppress(ConditionFailedError):
            self.dynamo.write(write)

    def put_to_sleep(self, lease: Lease, until: datetime) -> Update:
        """Return the write that gives the lease back and lets nobody claim the conversation before `until`.

        It belongs into one transaction with the run's own write: a cancellation comes before both and fails them, or
        after both and wakes the conversation. Apart, one in between would leave a cancelled run asleep.
        """
        expression = "SET #due_at = :due_at, #asleep_until_ms = :until REMOVE #lease_holder, #lease_expires_ms"
        values = {
            "due_at": due_slot_epoch_s(until + DOORBELL_GRACE),
            "until": to_epoch_ms(until),
            "token": lease.fencing_token,
        }
        return Update(self.table, {"pk": scoped(lease.tenant, lease.conversation_id)}, expression, _HOLDS_LEASE, values)

    def start_context(self, lease: Lease, start: ContextStart) -> Update:
        """Return the write after which the context is a summary and what follows; belongs beside the summary's."""
        return Update(
            self.table,
            {"pk": scoped(lease.tenant, lease.conversation_id)},
            "SET #summary_sequence = :summary, #context_starts_at = :first",
            _HOLDS_LEASE,
            {"summary": start.summary_sequence, "first": start.first_sequence, "token": lease.fencing_token},
        )

    def wake(self, tenant: str, conversation_id: str, run_id: str, now: datetime) -> Update:
        """Return the write that ends a sleep which was for this run, the first, that is being cancelled."""
        return Update(
            self.table,
            {"pk": scoped(tenant, conversation_id)},
            "SET #due_shard = :due_shard, #due_at = :due_at REMOVE #asleep_until_ms",
            _RUN_IS_FIRST,
            {"run_id": run_id, "due_shard": DUE_SHARD, "due_at": due_slot_epoch_s(now + DOORBELL_GRACE)},
        )

    def reset(self, conversation: Conversation) -> Update:
        """Return the write after which only messages yet to come are shown and used, if nothing is being done."""
        return Update(
            self.table,
            {"pk": scoped(conversation.tenant, conversation.id)},
            "SET #history_starts_at = #next_sequence REMOVE #approval",
            f"{_EXISTS} AND {_NO_RUN_WAITS} AND attribute_not_exists(#lease_holder)",
            {"zero": 0},
        )

    def refuse_approval(self, asked: ApprovalRequest, tenant: str, conversation_id: str, next_sequence: int) -> Update:
        """Return the write that closes a request for approval which nobody has begun to answer."""
        return Update(
            self.table,
            {"pk": scoped(tenant, conversation_id)},
            "SET #next_sequence = :after, #approval.#is_open = :no",
            f"#approval.#message_id = :asked AND #approval.#is_open = :yes AND #next_sequence = :before"
            f" AND {_NO_RUN_WAITS} AND attribute_not_exists(#lease_holder)",
            {
                "before": next_sequence,
                "after": next_sequence + 2,
                "asked": asked.message_id,
                "yes": True,
                "no": False,
                "zero": 0,
            },
        )

    def require(self, tenant: str, conversation_id: str) -> Check:
        """Return the check that the conversation is there and not being deleted."""
        condition = f"{_EXISTS} AND attribute_not_exists(#deleted_at)"
        return Check(self.table, {"pk": scoped(tenant, conversation_id)}, condition, {})

    def get_many(self, tenant: str, conversation_ids: Sequence[str]) -> list[Conversation]:
        """Read these conversations, consistently, in no order, without those that don't exist."""
        keys = [{"pk": scoped(tenant, conversation_id)} for conversation_id in conversation_ids]
        return [to_conversation(item) for item in self.dynamo.get_many(self.table, keys, consistent=True)]

    def mark_deleted(self, tenant: str, conversation_id: str, now: datetime) -> Update:
        """Return the write after which no run is accepted any more and the next claim removes everything."""
        return Update(
            self.table,
            {"pk": scoped(tenant, conversation_id)},
            "SET #deleted_at = if_not_exists(#deleted_at, :now), #due_shard = :due_shard, #due_at = :due_at"
            " REMOVE #asleep_until_ms",
            _EXISTS,
            {"now": to_epoch_ms(now), "due_shard": DUE_SHARD, "due_at": due_slot_epoch_s(now + DOORBELL_GRACE)},
        )

    def remove(self, lease: Lease) -> None:
        """Remove a conversation whose runs and messages are gone, with its lease."""
        condition = f"{_HOLDS_LEASE} AND size(#waiting) = :zero"
        key = {"pk": scoped(lease.tenant, lease.conversation_id)}
        self.dynamo.write(Delete(self.table, key, condition, {"token": lease.fencing_token, "zero": 0}))

    def due(self, now: datetime, limit: int) -> list[tuple[str, str, int]]:
        """Return (tenant, conversation id, due epoch seconds) of at most `limit` overdue ones, oldest first."""
        page = self.dynamo.query(
            self.table,
            "#due_shard = :shard AND #due_at <= :now",
            {"shard": DUE_SHARD, "now": int(now.timestamp())},
            index="by_due",
            limit=limit,
        )
        return [(*split_scoped(item["pk"]), item["due_at"]) for item in page.items]

    def _write_held(self, lease: Lease, expression: str, values: Item, condition: str = _HOLDS_LEASE) -> Item:
        key = {"pk": scoped(lease.tenant, lease.conversation_id)}
        held = values | {"token": lease.fencing_token}
        try:
            return self.dynamo.write(Update(self.table, key, expression, condition, held))
        except ConditionFailedError as failed:
            raise lost(lease) from failed
