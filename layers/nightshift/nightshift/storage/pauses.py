"""What an operator has paused of a tenant: one item beside its agents, absent while nothing is paused.

intake     no run is accepted               read by the authorizer, at most `max_age` old
execution  no conversation is claimed       read by a runner before each claim
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from nightshift.clock import to_iso
from nightshift.storage.dynamo import Dynamo, Update
from nightshift.storage.keys import scoped

PAUSES: Final = "pauses"


class Pausable(StrEnum):
    INTAKE = "intake"
    EXECUTION = "execution"


@dataclass(frozen=True, slots=True)
class Pauses:
    """The pauses of all tenants."""

    dynamo: Dynamo
    table: str

    def of(self, tenant: str) -> frozenset[Pausable]:
        """Return what is paused now; half a read unit."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, PAUSES)}, consistent=False) or {}
        return frozenset(what for what in Pausable if what in item)

    def begin(self, tenant: str, what: Pausable, now: datetime) -> None:
        """Pause; a pause that has begun keeps its time."""
        self._write(tenant, f"SET #{what} = if_not_exists(#{what}, :now)", now)

    def end(self, tenant: str, what: Pausable) -> None:
        """Go on; safe to repeat."""
        self._write(tenant, f"REMOVE #{what}")

    def _write(self, tenant: str, expression: str, now: datetime | None = None) -> None:
        values = {"now": to_iso(now)} if now else {}
        self.dynamo.write(Update(self.table, {"pk": scoped(tenant, PAUSES)}, expression, values=values))
