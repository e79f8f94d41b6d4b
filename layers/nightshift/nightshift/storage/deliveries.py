"""CallbackDeliveries: one item beside its run, made by the terminal write, in the due-index until it is settled.

create    pending, due            within the terminal transaction (promise 8)
claim     attempt + 1, due later  if pending and due: two doorbells at once make one POST, not two
record    outcome, due or settled if still at this attempt
replay    pending, due, attempt 0   if settled: an operator wants it sent again
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from nightshift.clock import from_epoch_ms, from_iso, to_epoch_ms, to_iso
from nightshift.domain.callback import (
    ATTEMPT_TIMEOUT_SECONDS,
    AttemptOutcome,
    CallbackDelivery,
    DeliveryStatus,
    Retry,
    Settled,
)
from nightshift.domain.conversation import DOORBELL_GRACE, due_slot_epoch_s
from nightshift.domain.errors import ConditionFailedError
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.storage.dynamo import Dynamo, Item, Put, Update
from nightshift.storage.keys import DELIVERY, DUE_SHARD, scoped, split_scoped
from nightshift.telemetry import current_trace_header

_CLAIM_DURATION = timedelta(seconds=4 * ATTEMPT_TIMEOUT_SECONDS)
"""After this an attempt that left no record is held to be dead and may be made again."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The deliveries of the runs table."""

    dynamo: Dynamo
    table: str

    def create(self, delivery: CallbackDelivery, now: datetime) -> Put:
        """Return the write that makes a pending delivery; the stream announces it, the sweeper stands behind."""
        item = {
            "pk": scoped(delivery.tenant, delivery.run_id),
            "sk": DELIVERY,
            "id": delivery.id,
            "url": delivery.url,
            "run_status": delivery.run_status.value,
            "stop_reason": delivery.stop_reason.value,
            "run_completed_at": to_iso(delivery.run_completed_at),
            "status": DeliveryStatus.PENDING.value,
            "attempt": 0,
            "next_attempt_ms": to_epoch_ms(now),
            "correlation_id": delivery.correlation_id or None,
            "trace_header": current_trace_header() or None,
            "due_shard": DUE_SHARD,
            "due_at": due_slot_epoch_s(now + DOORBELL_GRACE),
        }
        return Put(self.table, item, "attribute_not_exists(#pk)")

    def claim(self, tenant: str, run_id: str, now: datetime) -> CallbackDelivery | None:
        """Begin the next attempt if the delivery is pending and it is time; None when not, or when there is none."""
        write = Update(
            self.table,
            {"pk": scoped(tenant, run_id), "sk": DELIVERY},
            "SET #attempt = #attempt + :one, #next_attempt_ms = :claim_ends, #due_at = :due_at",
            "#status = :pending AND #next_attempt_ms <= :now",
            {
                "one": 1,
                "claim_ends": to_epoch_ms(now + _CLAIM_DURATION),
                "due_at": due_slot_epoch_s(now + _CLAIM_DURATION),
                "pending": DeliveryStatus.PENDING.value,
                "now": to_epoch_ms(now),
            },
        )
        try:
            return _to_delivery(self.dynamo.write(write))
        except ConditionFailedError:
            return None

    def record(
        self, delivery: CallbackDelivery, outcome: AttemptOutcome, next_step: Settled | Retry, now: datetime
    ) -> None:
        """Keep what the attempt came to and when the next one is due. Repeating it writes the same.

        Raises:
            ConditionFailedError: a newer attempt was made meanwhile; its record counts.
        """
        values: Item = {
            "attempt": delivery.attempt,
            "sent_at": to_iso(now),
            "status_code": outcome.status_code,
            "error": outcome.error,
        }
        match next_step:
            case Settled(status=status):
                values["status"] = status.value
                removed = ["due_shard", "due_at"]
            case Retry(delay=delay):
                values["next_attempt_ms"] = to_epoch_ms(now + delay)
                # A short delay has a queue message of its own; the index is due only where that message is late.
                values["due_at"] = due_slot_epoch_s(now + delay)
                removed = []
        removed += [name for name, value in values.items() if value is None]
        set_names = [name for name, value in values.items() if value is not None and name != "attempt"]
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in set_names)
        expression += " REMOVE " + ", ".join(f"#{name}" for name in removed) if removed else ""
        key = {"pk": scoped(delivery.tenant, delivery.run_id), "sk": DELIVERY}
        self.dynamo.write(Update(self.table, key, expression, "#attempt = :attempt", values))

    def replay(self, tenant: str, run_id: str, now: datetime) -> bool:
        """Make a settled delivery due again with all its attempts, under the id it had; False when none is settled."""
        write = Update(
            self.table,
            {"pk": scoped(tenant, run_id), "sk": DELIVERY},
            "SET #status = :pending, #earlier_attempts = if_not_exists(#earlier_attempts, :none) + #attempt,"
            " #attempt = :none, #next_attempt_ms = :now, #due_shard = :shard, #due_at = :due_at",
            "attribute_exists(#pk) AND #status <> :pending",
            {
                "pending": DeliveryStatus.PENDING.value,
                "none": 0,
                "now": to_epoch_ms(now),
                "shard": DUE_SHARD,
                "due_at": due_slot_epoch_s(now + DOORBELL_GRACE),
            },
        )
        try:
            self.dynamo.write(write)
        except ConditionFailedError:
            return False
        return True

    def get(self, tenant: str, run_id: str) -> CallbackDelivery | None:
        """Read the delivery of a run, None when it has none (yet)."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, run_id), "sk": DELIVERY})
        return _to_delivery(item) if item else None

    def get_many(self, tenant: str, run_ids: list[str]) -> dict[str, CallbackDelivery]:
        """Read the deliveries of these runs, by run id."""
        keys = [{"pk": scoped(tenant, run_id), "sk": DELIVERY} for run_id in run_ids]
        return {found.run_id: found for found in map(_to_delivery, self.dynamo.get_many(self.table, keys))}

    def due(self, now: datetime, limit: int) -> list[tuple[str, str, int]]:
        """Return (tenant, run id, due epoch seconds) of at most `limit` overdue deliveries, oldest first."""
        page = self.dynamo.query(
            self.table,
            "#due_shard = :shard AND #due_at <= :now",
            {"shard": DUE_SHARD, "now": int(now.timestamp())},
            index="by_due",
            limit=limit,
        )
        return [(*split_scoped(item["pk"]), item["due_at"]) for item in page.items]


def _to_delivery(item: Item) -> CallbackDelivery:
    tenant, run_id = split_scoped(item["pk"])
    return CallbackDelivery(
        id=item["id"],
        tenant=tenant,
        run_id=run_id,
        url=item["url"],
        run_status=RunStatus(item["run_status"]),
        stop_reason=StopReason(item["stop_reason"]),
        run_completed_at=from_iso(item["run_completed_at"]),
        status=DeliveryStatus(item["status"]),
        attempt=item["attempt"],
        earlier_attempts=item.get("earlier_attempts", 0),
        sent_at=from_iso(item["sent_at"]) if "sent_at" in item else None,
        status_code=item.get("status_code"),
        error=item.get("error"),
        correlation_id=item.get("correlation_id", ""),
        next_attempt_at=from_epoch_ms(item["next_attempt_ms"]),
    )
