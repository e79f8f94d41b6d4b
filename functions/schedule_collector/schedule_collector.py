"""Every day → remove the payloads to which no item refers any more."""

from functools import cache
from typing import Any, Final

from nightshift.clock import SystemClock
from nightshift.recovery.collect import Collector
from nightshift.settings import TableSettings
from nightshift.storage import clients
from nightshift.storage.dynamo import Dynamo
from nightshift.storage.payload_objects import PayloadObjects
from nightshift.telemetry import logger

RESERVE_SECONDS: Final = 60
"""What the last page may take once the time to begin another is over."""


@cache
def _collector() -> Collector:
    tables = TableSettings.from_environment()
    objects = PayloadObjects(
        clients.s3(),
        tables.payload_bucket,
        Dynamo(clients.dynamodb()),
        tables.agents_table,
        tables.messages_table,
        tables.runs_table,
    )
    return Collector(SystemClock(), objects)


@logger.inject_lambda_context
def lambda_handler(_event: dict[str, Any], context: Any) -> None:
    """Make one pass, for as long as the function may run."""
    _collector().collect(context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS)
