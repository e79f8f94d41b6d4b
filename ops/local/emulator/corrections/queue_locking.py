"""No message is lost when a queue is written and swept at the same moment.

AWS: a message that was accepted is delivered at least once.

Stock MiniStack: the request thread appends to a queue's list while the poll thread replaces that list (dead-letter
sweep, expiry, deletion after an invocation) without a shared lock. A message appended in between is gone.
"""

import functools
import threading
from collections.abc import Callable
from typing import Any

from ministack.services import sqs

from emulator.expectations import ExpectationError, expect_source

ACTIONS = (
    "SendMessage",
    "SendMessageBatch",
    "DeleteMessage",
    "DeleteMessageBatch",
    "ChangeMessageVisibility",
    "ChangeMessageVisibilityBatch",
    "PurgeQueue",
)
"""The synchronous actions that read or write the list. ReceiveMessage awaits between its steps, so the steps lock."""

STEPS = ("_dlq_sweep", "_expire_retained", "_collect_msgs")


def apply() -> None:
    """Run everything that touches a queue's messages under the one lock that the poll thread already takes."""
    expect_source(sqs._receive_messages_for_esm, "with _queues_lock:")
    expect_source(sqs._delete_messages_for_esm, "with _queues_lock:")
    # Reentrant, because a step below also runs inside _receive_messages_for_esm, which holds it.
    sqs._queues_lock = threading.RLock()
    for step in STEPS:
        setattr(sqs, step, _locked(getattr(sqs, step)))
    for action in ACTIONS:
        stock = sqs._HANDLERS.get(action)
        if stock is None:
            raise ExpectationError(f"MiniStack no longer lists the SQS action {action} in sqs._HANDLERS")
        sqs._HANDLERS[action] = _locked(stock)
        # Other services (Step Functions, EventBridge) call the module's function, not the table's entry.
        setattr(sqs, stock.__name__, sqs._HANDLERS[action])


def _locked(stock: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(stock)
    def locked(*args: Any, **kwargs: Any) -> Any:
        with sqs._queues_lock:
            return stock(*args, **kwargs)

    return locked
