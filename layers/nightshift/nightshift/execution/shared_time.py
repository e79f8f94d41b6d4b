"""Divides the time of an invocation among the slices at work in it, so that their shares add up to what is billed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from nightshift.clock import Clock


@dataclass(slots=True)
class SharedTime:
    """The time of one process, which goes the slower the more slices are at work; with none it stands still."""

    _slices: int = field(init=False, default=0)
    _shared_ns: int = field(init=False, default=0)
    _seen_ns: int = field(init=False, default=0)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    @contextmanager
    def at_work(self, clock: Clock) -> Iterator[None]:
        """Share the time that the block takes."""
        self._go_on(clock.monotonic_ns(), 1)
        try:
            yield
        finally:
            self._go_on(clock.monotonic_ns(), -1)

    def read_ns(self, now_ns: int) -> int:
        """Return what this time is at a moment of the clock; a slice's share is the difference of two readings."""
        return self._go_on(now_ns, 0)

    def _go_on(self, now_ns: int, slices: int) -> int:
        with self._lock:
            # A thread may have read the clock before another and come here after it.
            passed_ns = max(0, now_ns - self._seen_ns)
            self._shared_ns += passed_ns // self._slices if self._slices else 0
            self._seen_ns += passed_ns
            self._slices += slices
            return self._shared_ns
