"""The only source of time. Everything that needs it takes a `Clock`, so that tests turn the hands themselves."""

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time for what is stored, monotonic time for what is measured."""

    def now(self) -> datetime:
        """Return the current moment as an aware datetime in UTC."""
        ...

    def monotonic_ns(self) -> int:
        """Return nanoseconds of a clock that never goes back; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for `seconds`."""
        ...


class SystemClock:
    """The machine's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_ns(self) -> int:
        return time.monotonic_ns()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def to_epoch_ms(moment: datetime) -> int:
    """Convert an aware datetime to whole milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def from_epoch_ms(epoch_ms: int) -> datetime:
    """Convert milliseconds since 1970 to an aware datetime in UTC."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)


def to_iso(moment: datetime) -> str:
    """Format as ISO-8601 in UTC with microseconds and `Z`, the form of every stored and displayed time."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def from_iso(text: str) -> datetime:
    """Parse what `to_iso` wrote."""
    return datetime.fromisoformat(text)
