"""What an operator has paused, read at most once in a while for each tenant."""

from dataclasses import dataclass, field
from datetime import timedelta

from nightshift.clock import Clock
from nightshift.domain.errors import TransientError
from nightshift.storage.pauses import Pausable, Pauses
from nightshift.telemetry import logger


@dataclass(frozen=True, slots=True)
class RecentPauses:
    """What was paused at most `max_age` ago, so that not every request reads it."""

    pauses: Pauses
    clock: Clock
    max_age: timedelta
    _found: dict[str, tuple[int, frozenset[Pausable]]] = field(default_factory=dict)

    def of(self, tenant: str) -> frozenset[Pausable]:
        """Return what is paused; what can't be read now counts as it was, and as nothing to begin with."""
        now_ns = self.clock.monotonic_ns()
        read_ns, paused = self._found.get(tenant, (None, frozenset()))
        if read_ns is None or now_ns - read_ns >= self.max_age / timedelta(microseconds=1) * 1_000:
            try:
                paused = self.pauses.of(tenant)
            except TransientError as error:
                logger.warning("pauses not read", reason=str(error))
            self._found[tenant] = now_ns, paused
        return paused
