"""Send callbacks again that are settled: one run's, or a tenant's of some time. Each keeps its webhook-id.

redeliver.py default --run run-…                                       one, delivered or failed
redeliver.py default --since 2026-11-24T08:00Z                         what would be sent: those that failed
redeliver.py default --since 2026-11-24T08:00Z --until 2026-11-24T12:00Z --delivered-too --confirm
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import batched

from deployed_stack import DeployedStack, OperationError, parser_of
from nightshift.clock import SystemClock, to_iso
from nightshift.domain.callback import MAX_ATTEMPTS, CallbackDelivery, DeliveryStatus
from nightshift.storage.doorbells import Ring
from nightshift.storage.dynamo import BATCH_GET_LIMIT, Item
from progress import shown


def main(arguments: list[str] | None = None) -> int:
    """Do one command; return the exit code."""
    parser = parser_of(__doc__)
    parser.add_argument("tenant")
    parser.add_argument("--run", help="the run whose callback is sent again")
    parser.add_argument("--since", type=to_moment, help="runs accepted from this moment on")
    parser.add_argument("--until", type=to_moment, help="and before this one (default: now)")
    parser.add_argument("--delivered-too", action="store_true", help="not only those that failed")
    parser.add_argument("--confirm", action="store_true", help="send them; without it they are only counted")
    parsed = parser.parse_args(arguments)
    try:
        stack = DeployedStack.of_arguments(parsed)
        if parsed.run:
            sent = redeliver(stack, parsed.tenant, [parsed.run])
            print(
                f"rung        for {sent} callbacks"
                if sent
                else f"not rung    {_why_not(stack, parsed.tenant, parsed.run)}"
            )
            return 0 if sent else 1
        if not parsed.since:
            raise OperationError("name a run, or a moment from which on: RUN=run-… or SINCE=2026-11-24T08:00Z")
        statuses = {DeliveryStatus.FAILED, *([DeliveryStatus.DELIVERED] if parsed.delivered_too else [])}
        until = parsed.until or SystemClock().now()
        found = [one.run_id for one in settled(stack, parsed.tenant, parsed.since, until) if one.status in statuses]
        if parsed.confirm:
            print(f"rung        for {redeliver(stack, parsed.tenant, found)} of {len(found)} callbacks")
        else:
            print(f"would send  {len(found)} callbacks again; CONFIRM=yes sends them")
    except OperationError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


def settled(stack: DeployedStack, tenant: str, since: datetime, until: datetime) -> Iterator[CallbackDelivery]:
    """Yield the deliveries of runs accepted between the moments."""
    entries: Iterator[Item] = stack.database.dynamo.query_all(
        stack.database.runs.table,
        "#tenant = :tenant AND #created_order BETWEEN :since AND :until",
        {"tenant": tenant, "since": to_iso(since), "until": to_iso(until)},
        index="by_tenant",
    )
    run_ids = (entry["pk"].partition("#")[2] for entry in entries)
    for batch in batched(shown(run_ids, "runs looked at"), BATCH_GET_LIMIT, strict=False):
        yield from stack.database.deliveries.get_many(tenant, list(batch)).values()


def redeliver(stack: DeployedStack, tenant: str, run_ids: list[str]) -> int:
    """Make the settled ones of these callbacks due again and ring for them; return how many there were."""
    now = SystemClock().now()
    due = [run_id for run_id in shown(run_ids, "due again") if stack.database.deliveries.replay(tenant, run_id, now)]
    stack.callback_doorbell.ring_all([Ring(tenant, run_id) for run_id in due])
    return len(due)


def _why_not(stack: DeployedStack, tenant: str, run_id: str) -> str:
    delivery = stack.database.deliveries.get(tenant, run_id)
    if delivery is None:
        return (
            f"{tenant} has no callback of {run_id}: none was asked for, or the run is not over; make run-status tells"
        )
    due = f", due at {to_iso(delivery.next_attempt_at)}" if delivery.next_attempt_at else ""
    return (
        f"the callback is on its way: attempt {delivery.attempt + 1} of {MAX_ATTEMPTS} comes by itself{due}; "
        "ops/runbook/CallbacksFailing.md has it made now"
    )


def to_moment(text: str) -> datetime:
    """Read an ISO-8601 moment; without a zone it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


if __name__ == "__main__":
    sys.exit(main())
