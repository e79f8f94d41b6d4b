"""Waiting for what happens elsewhere: looked at again and again, up to a stated limit."""

import time
from collections.abc import Callable, Iterable

from letta_client import Letta
from letta_client.types.agents.run import Run

ENDED = {"completed", "failed", "cancelled"}


def wait_for[Thing](look: Callable[[], Thing | None], limit_seconds: float, what: str) -> Thing:
    """Return what `look` finds, which returns None until there is something."""
    ends_at = time.monotonic() + limit_seconds
    while True:
        found = look()
        if found is not None:
            return found
        assert time.monotonic() < ends_at, f"no {what} within {limit_seconds} s"
        time.sleep(0.1)


def wait_until_ended(letta: Letta, run_id: str, limit_seconds: float = 60) -> Run:
    """Return the run once it is terminal."""

    def look() -> Run | None:
        run = letta.runs.retrieve(run_id)
        return run if run.status in ENDED else None

    return wait_for(look, limit_seconds, f"end of {run_id}")


def wait_until_all_ended(letta: Letta, run_ids: Iterable[str], limit_seconds: float) -> list[Run]:
    """Return the runs once all are terminal; the limit is for all together."""
    ends_at = time.monotonic() + limit_seconds
    return [wait_until_ended(letta, run_id, max(1, ends_at - time.monotonic())) for run_id in run_ids]
