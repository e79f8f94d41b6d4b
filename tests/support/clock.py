"""A clock that only moves when it is told to."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


class ManualClock:
    """Implements `nightshift.clock.Clock`; sleeping moves the hands and returns at once."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._elapsed = timedelta()

    def now(self) -> datetime:
        return self._start + self._elapsed

    def monotonic_ns(self) -> int:
        return self._elapsed // timedelta(microseconds=1) * 1_000

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move both hands."""
        self._elapsed += timedelta(seconds=seconds)
