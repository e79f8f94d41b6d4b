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
from nightshift.telemetry import logger


@cache
def _doorbell() -> Doorbell:
    return Doorbell(clients.sqs(), read_text("CALLBACK_QUEUE_URL"))


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Ring once for each new delivery; report the records that must come again."""
    numbers = {_to_ring(record): record["dynamodb"]["SequenceNumber"] for record in event["Records"]}
    failed = _doorbell().ring_all(list(numbers))
    log = logger.error if failed else logger.info
    log("deliveries handed over", run_ids=[ring.subject for ring in numbers], failed=[ring.subject for ring in failed])
    return {"batchItemFailures": [{"itemIdentifier": numbers[ring]} for ring in failed]}


def _to_ring(record: dict[str, Any]) -> Ring:
    tenant, run_id = split_scoped(record["dynamodb"]["Keys"]["pk"]["S"])
    return Ring(tenant, run_id)
