"""Every minute → ring the doorbells that were missed."""

from functools import cache
from typing import Any

from nightshift.clock import SystemClock
from nightshift.recovery.sweep import Sweeper
from nightshift.settings import read_text
from nightshift.storage import clients
from nightshift.storage.conversations import Conversations
from nightshift.storage.deliveries import Deliveries
from nightshift.storage.doorbells import Doorbell
from nightshift.storage.dynamo import Dynamo
from nightshift.telemetry import logger


@cache
def _sweeper() -> Sweeper:
    dynamo = Dynamo(clients.dynamodb())
    return Sweeper(
        SystemClock(),
        Conversations(dynamo, read_text("CONVERSATIONS_TABLE")),
        Doorbell(clients.sqs(), read_text("RUN_QUEUE_URL")),
        Deliveries(dynamo, read_text("RUNS_TABLE")),
        Doorbell(clients.sqs(), read_text("CALLBACK_QUEUE_URL")),
    )


@logger.inject_lambda_context
def lambda_handler(_event: dict[str, Any], context: Any) -> None:
    """Sweep once; the invocation's id follows what it rings through the logs."""
    _sweeper().sweep(correlation_id=context.aws_request_id)
