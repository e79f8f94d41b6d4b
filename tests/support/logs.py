"""The structured lines that a handler logs, as CloudWatch would get them."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nightshift.telemetry import logger


@contextmanager
def captured_logs() -> Iterator[list[dict[str, Any]]]:
    """Collect every line logged inside the block; the list is filled when the block ends."""
    lines: list[dict[str, Any]] = []
    (handler,) = logger.handlers
    stream = io.StringIO()
    usual = handler.setStream(stream)  # type: ignore[attr-defined]  # the logger's handler is a StreamHandler
    try:
        yield lines
    finally:
        handler.setStream(usual)  # type: ignore[attr-defined]  # the logger's handler is a StreamHandler
        lines += [json.loads(line) for line in stream.getvalue().splitlines()]
