"""Invocation → one call of a user's Python tool, in a process of its own.

Built of the standard library alone: no layer, no SDK, no permission, no secret of ours. What of Lambda's environment
has no use here is gone before any user code runs (own_process.py), and nothing of a call is logged but how it went.
"""

import json
import sys
import time
from threading import Lock
from typing import Any, Final

import own_process
import tool_call

TIMEOUT_RESERVE_SECONDS: Final = 5
"""What is left of the function's time to end a tool's processes, remove its files and answer."""

own_process.shield()

_one_at_a_time = Lock()
"""A call owns every new child of this process, so there is never another beside it. Lambda keeps to that by itself."""


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Execute one call; whatever the code does short of ending this process is in the answer."""
    started = time.monotonic()
    longest_seconds = context.get_remaining_time_in_millis() / 1000 - TIMEOUT_RESERVE_SECONDS
    with _one_at_a_time:
        outcome = tool_call.execute(event, longest_seconds)
    _log(outcome, round((time.monotonic() - started) * 1000), event.get("log_keys", {}))
    return outcome.to_answer()


def _log(outcome: tool_call.Outcome, duration_ms: int, keys: dict[str, Any]) -> None:
    line = {
        **keys,
        "level": "INFO",
        "message": "tool call ended",
        "status": outcome.status,
        "ended_by": outcome.ended_by,
        "confined_by": outcome.confined_by,
        "duration_ms": duration_ms,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
