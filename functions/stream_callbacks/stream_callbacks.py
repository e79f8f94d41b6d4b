"""Runs table stream → CallbackQueue: hands new deliveries over and does nothing else.

A slow receiver must not block a shard, so nobody is called from here. template.yaml filters the stream down to the
creation of deliveries. A record that the queue does not take is reported and comes again; after the last try the
sweeper stands behind it.
"""

from functools import cache
from typing import Any

from nightshift.settings import read_text
from nightshift.storage import clients
from nightshift.storage.doorbells import Doorbell, Ring
from nightshift.storage.keys import split_scoped
from nightshift.telemetry import log_keys, logger


@cache
def _doorbell() -> Doorbell:
    return Doorbell(clients.sqs(), read_text("CALLBACK_QUEUE_URL"))


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Ring once for each new delivery; report the records that must come again."""
    numbers = {_to_ring(record): record["dynamodb"]["SequenceNumber"] for record in event["Records"]}
    failed = set(_doorbell().ring_all(list(numbers)))
    for ring in numbers:
        with log_keys(tenant=ring.tenant, run_id=ring.subject, correlation_id=ring.correlation_id):
            if ring in failed:
                logger.error("delivery not handed over, the record comes again")
            else:
                logger.info("delivery handed over")
    return {"batchItemFailures": [{"itemIdentifier": numbers[ring]} for ring in numbers if ring in failed]}


def _to_ring(record: dict[str, Any]) -> Ring:
    change = record["dynamodb"]
    tenant, run_id = split_scoped(change["Keys"]["pk"]["S"])
    correlation_id, trace_header = (
        change["NewImage"].get(name, {}).get("S", "") for name in ("correlation_id", "trace_header")
    )
    return Ring(tenant, run_id, correlation_id, trace_header)
