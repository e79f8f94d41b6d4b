"""What a slice takes of AWS, run by run; the run's own checkpoints carry it, so that accounting writes nothing more."""

from dataclasses import dataclass, field
from typing import Final

from nightshift.clock import Clock
from nightshift.domain.run import Spent
from nightshift.storage.dynamo import Consumption

_NS_PER_MS: Final = 1_000_000
_HALVES: Final = 2


@dataclass(slots=True)
class Meter:
    """Counts for the run that the slice works on; what it does before its first run is that run's.

    Attributes:
        consumption: what DynamoDB charged in the slice.
        transitions: of the state machine, for this slice.
    """

    clock: Clock
    consumption: Consumption
    transitions: int = 0
    _began_ns: int = field(init=False)
    _earlier_write_units: float = field(init=False, default=0)
    _earlier_read_units: float = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._began_ns = self.clock.monotonic_ns()

    def spent(self) -> Spent:
        """Return what the run took in this slice up to now."""
        return Spent(
            slices=1,
            runner_ms=(self.clock.monotonic_ns() - self._began_ns) // _NS_PER_MS,
            write_units=round(self.consumption.write_units - self._earlier_write_units),
            half_read_units=round((self.consumption.read_units - self._earlier_read_units) * _HALVES),
            transitions=self.transitions,
        )

    def begin_next_run(self) -> None:
        """Count from here on for the conversation's next run."""
        self._began_ns = self.clock.monotonic_ns()
        self._earlier_write_units = self.consumption.write_units
        self._earlier_read_units = self.consumption.read_units
        self.transitions = 0
