"""How long a slice may go on, and how long a single call may take within it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from nightshift.clock import Clock

EXIT_RESERVE_SECONDS = 15
"""Kept of the function's time for the last checkpoint and the hand-over."""

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SliceBudget:
    """The time of one slice.

    Attributes:
        slice_ends_ns: monotonic moment after which no further step begins.
        function_ends_ns: monotonic moment at which everything must be written.
    """

    clock: Clock
    slice_ends_ns: int
    function_ends_ns: int

    @classmethod
    def begin(cls, clock: Clock, slice_duration: timedelta, remaining_ms: int) -> Self:
        """Start the slice now in a function that is ended in `remaining_ms`."""
        now = clock.monotonic_ns()
        function_ends = now + remaining_ms * 1_000_000 - EXIT_RESERVE_SECONDS * _NS
        return cls(clock, min(function_ends, now + int(slice_duration.total_seconds() * _NS)), function_ends)

    @property
    def is_used_up(self) -> bool:
        """Tell whether the slice should end before the next step."""
        return self.clock.monotonic_ns() >= self.slice_ends_ns

    @property
    def call_seconds(self) -> float:
        """Return how long a call may take at the most, at least one second."""
        return max(1.0, (self.function_ends_ns - self.clock.monotonic_ns()) / _NS)
