"""Structured logs: one JSON line per change of state, every line with the ids of what it speaks of.

Message content and secrets never reach a log. Keys are kept per thread, since one runner works on ten conversations.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger

logger = Logger(utc=True)


@contextmanager
def log_keys(**keys: Any) -> Iterator[None]:
    """Put these keys on every line that this thread logs inside the block; ones given outside come back after it."""
    outer = dict(logger.thread_safe_get_current_keys())
    logger.thread_safe_append_keys(**keys)
    try:
        yield
    finally:
        logger.thread_safe_clear_keys()
        logger.thread_safe_append_keys(**outer)
