"""Answers the doorbells of one invocation, up to ten at once in a thread each, and reports those that must come again.

Powertools' batch processor would do the same for one record after another and loads 74 modules for it, asyncio and the
event classes of every other source among them.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from nightshift.domain import ids
from nightshift.domain.errors import TransientError
from nightshift.storage.doorbells import Ring
from nightshift.telemetry import executing_version, log_keys, logger, measured

BATCH_SIZE = 10
"""Messages that template.yaml lets one invocation have."""

MAX_RECEIVES = 5
"""Times that template.yaml lets a message be received before it becomes a dead letter."""


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(BATCH_SIZE)


def answer_doorbells(event: dict[str, Any], answer: Callable[[Ring], None]) -> dict[str, Any]:
    """Call `answer` for every message of an SQS event; return the event source's partial batch response."""
    pending = [_threads().submit(_failed_id, record, answer) for record in event["Records"]]
    failed = [message_id for one in pending if (message_id := one.result())]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def _failed_id(record: dict[str, Any], answer: Callable[[Ring], None]) -> str | None:
    """Answer one message; return its id if it must come again."""
    try:
        answer(Ring.from_body(record["body"]))
    except Exception as error:  # noqa: BLE001 -- the boundary of one message: it must not take the other nine along
        _log_failure(record, error)
        return str(record["messageId"])
    return None


def _log_failure(record: dict[str, Any], error: Exception) -> None:
    """Tell which message failed, whose it is, and whether the queue gives it up now."""
    receives = int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
    is_bug = not isinstance(error, TransientError)
    values = {"DoorbellFailures": 1, "Bugs" if is_bug else "ServiceFailures": 1}
    values |= {"DeadLetters": 1} if receives >= MAX_RECEIVES else {}
    metrics = measured(values, **executing_version() if is_bug else {})
    with log_keys(**_keys_of(record)):
        logger.exception("doorbell not answered", message_id=record["messageId"], receives=receives, **metrics)


def _keys_of(record: dict[str, Any]) -> dict[str, str]:
    try:
        ring = Ring.from_body(record["body"])
    except ValueError:
        return {}
    is_run = ids.is_well_formed("run", ring.subject)
    return {
        "tenant": ring.tenant,
        "run_id" if is_run else "conversation_id": ring.subject,
        "correlation_id": ring.correlation_id,
    }
