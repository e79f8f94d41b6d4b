"""Structured logs: one JSON line per change of state, with the ids of what it speaks of. Metrics ride on these lines.

Message content and secrets never reach a log. Keys are kept per thread, since one runner works on ten conversations.

A line that carries metrics says so in CloudWatch's embedded metric format, so that a point of a graph leads to lines
with all their ids. Dimensions are few and of few values, never an id. What is nothing is not sent: what is idle costs
nothing.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

from aws_lambda_powertools import Logger

from nightshift.clock import SystemClock, to_epoch_ms

NAMESPACE: Final = "Nightshift"

SERVICE: Final = "service"
"""The dimension that every metric has; `logger` puts it on every line. It is the stack's name."""

UNITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "RunsAccepted": "Count",
        "RunQueuedSeconds": "Seconds",
        "ConversationsBusy": "Count",
        "RunsCompleted": "Count",
        "RunSeconds": "Seconds",
        "RunsPoisoned": "Count",
        "Steps": "Count",
        "ModelLatency": "Milliseconds",
        "ModelFailures": "Count",
        "InputTokens": "Count",
        "OutputTokens": "Count",
        "CachedTokens": "Count",
        "Dollars": "None",
        "ToolErrors": "Count",
        "Deliveries": "Count",
        "LeaseLosses": "Count",
        "SweeperFinds": "Count",
        "OldestOverdueSeconds": "Seconds",
        "DoorbellFailures": "Count",
        "DeadLetters": "Count",
        "ServiceFailures": "Count",
        "RequestFailures": "Count",
        "Bugs": "Count",
    }
)
"""Every metric there is, with CloudWatch's unit; docs/observability.md says what each one means."""

logger = Logger(utc=True)


def add_log_keys(**keys: Any) -> None:
    """Put these keys on every further line of the innermost `log_keys` block; for what is known only within it."""
    logger.thread_safe_append_keys(**keys)


def current_log_keys() -> dict[str, Any]:
    """Return the keys that this thread puts on its lines now; for a log that is written elsewhere."""
    return dict(logger.thread_safe_get_current_keys())


def current_trace_header() -> str:
    """Return the X-Ray trace header of this invocation, empty when there is none; for a hop that loses it."""
    return os.environ.get("_X_AMZN_TRACE_ID", "")


@contextmanager
def log_keys(**keys: Any) -> Iterator[None]:
    """Put these keys on every line that this thread logs inside the block; ones given outside come back after it."""
    outer = current_log_keys()
    logger.thread_safe_append_keys(**keys)
    try:
        yield
    finally:
        logger.thread_safe_clear_keys()
        logger.thread_safe_append_keys(**outer)


def executing_version() -> dict[str, str]:
    """Return the dimensions by which a release is taken back: which version of which function executes."""
    variables = {"function_name": "AWS_LAMBDA_FUNCTION_NAME", "function_version": "AWS_LAMBDA_FUNCTION_VERSION"}
    return {dimension: os.environ.get(variable, "none") for dimension, variable in variables.items()}


def measured(values: Mapping[str, float], **dimensions: str) -> dict[str, Any]:
    """Return the keys that make a log line carry these metrics.

    Each value counts for the service as a whole and, with `dimensions`, once more by all of them together.

    Raises:
        KeyError: a metric is not in `UNITS`.
    """
    sets = [[SERVICE], [SERVICE, *dimensions]] if dimensions else [[SERVICE]]
    metrics = [{"Name": name, "Unit": UNITS[name]} for name in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": metrics}
    timestamp = to_epoch_ms(SystemClock().now())
    return {"_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]}, **dimensions, **values}
