"""Waits for a background run within the time that API Gateway gives a request: it ends or the time does."""

from dataclasses import dataclass

from nightshift.clock import Clock
from nightshift.domain.errors import NotFoundError
from nightshift.domain.run import Run
from nightshift.storage.database import Database

PATIENCE_SECONDS = 25.0
"""Of the 29 s of the function and the 30 s of API Gateway; the rest is for reading and showing what was said."""

FIRST_INTERVAL_SECONDS = 0.05
LONGEST_INTERVAL_SECONDS = 1.0
INTERVAL_GROWTH = 1.5
"""Some thirty reads of half a read unit in all: a run of a second is seen within a third of one."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Reads a run again and again until it is terminal."""

    database: Database
    clock: Clock
    patience_seconds: float = PATIENCE_SECONDS

    def for_end(self, run: Run) -> Run:
        """Return the run once it is terminal, or as it is when the time is up.

        Raises:
            NotFoundError: it was deleted meanwhile.
        """
        ends_ns = self.clock.monotonic_ns() + int(self.patience_seconds * 1e9)
        interval = FIRST_INTERVAL_SECONDS
        while not run.status.is_terminal and self.clock.monotonic_ns() < ends_ns:
            self.clock.sleep(interval)
            interval = min(LONGEST_INTERVAL_SECONDS, interval * INTERVAL_GROWTH)
            found = self.database.runs.get(run.tenant, run.id)
            if found is None:
                raise NotFoundError(f"Run not found: {run.id}")
            run = found
        return run
