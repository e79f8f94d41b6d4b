"""What a slice takes of AWS, run by run; the run's own checkpoints carry it, so that accounting writes nothing more."""

import os
import threading
from dataclasses import dataclass, field
from typing import Final

from nightshift.clock import Clock
from nightshift.domain.run import Spent
from nightshift.execution.shared_time import SharedTime

_NS_PER_MS: Final = 1_000_000
_HALVES: Final = 2
_ARM64: Final = frozenset({"aarch64", "arm64"})
"""What Linux and macOS call the processor."""


@dataclass(slots=True)
class Meter:
    """Counts for the run that the slice works on; what it does before its first run is that run's.

    Attributes:
        memory_mb: of the function that executes the slice.
        shared_time: of the process, of which the slice pays its share.
        transitions: of the state machine, for this slice.
    """

    clock: Clock
    memory_mb: int
    shared_time: SharedTime
    transitions: int = 0
    _began_ns: int = field(init=False)
    _began_shared_ns: int = field(init=False)
    _write_units: float = field(init=False, default=0)
    _read_units: float = field(init=False, default=0)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._begin()

    def count_units(self, is_read: bool, units: float) -> None:
        """Add what DynamoDB charged for a call of the run's thread or of one beside it."""
        with self._lock:
            if is_read:
                self._read_units += units
            else:
                self._write_units += units

    def spent(self) -> Spent:
        """Return what the run took in this slice up to now."""
        now_ns = self.clock.monotonic_ns()
        shared_ns = self.shared_time.read_ns(now_ns) - self._began_shared_ns
        mb_ms = shared_ns * self.memory_mb // _NS_PER_MS
        is_arm64 = os.uname().machine in _ARM64
        return Spent(
            slices=1,
            runner_ms=(now_ns - self._began_ns) // _NS_PER_MS,
            x86_64_mb_ms=0 if is_arm64 else mb_ms,
            arm64_mb_ms=mb_ms if is_arm64 else 0,
            write_units=round(self._write_units),
            half_read_units=round(self._read_units * _HALVES),
            transitions=self.transitions,
        )

    def begin_next_run(self) -> None:
        """Count from here on for the conversation's next run."""
        with self._lock:
            self._begin()
            self._write_units = self._read_units = self.transitions = 0

    def _begin(self) -> None:
        self._began_ns = self.clock.monotonic_ns()
        self._began_shared_ns = self.shared_time.read_ns(self._began_ns)
