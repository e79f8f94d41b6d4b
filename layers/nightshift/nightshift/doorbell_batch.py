"""Answers the doorbells of one invocation, up to ten at once in a thread each, and reports those that must come again.

Powertools' batch processor would do the same for one record after another and loads 74 modules for it, asyncio and the
event classes of every other source among them.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from nightshift.storage.doorbells import Ring
from nightshift.telemetry import logger

BATCH_SIZE = 10
"""Messages that template.yaml lets one invocation have."""


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
    except Exception:  # noqa: BLE001 -- the boundary of one message: it must not take the other nine along
        logger.exception("doorbell not answered", message_id=record["messageId"])
        return str(record["messageId"])
    return None
