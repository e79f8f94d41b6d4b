"""The passage between the queue's doorbell and the LongRun state machine, and the state that the machine carries."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from nightshift.clock import to_iso
from nightshift.domain.errors import TransientError
from nightshift.execution.slice import SliceOutcome, SliceResult
from nightshift.storage.long_runs import LongRuns
from nightshift.telemetry import logger

MAX_SLICES_PER_EXECUTION = 1_000
"""A round is at most 21 history events, with all its retries and a wait; an execution may have 25,000."""

WAKE_UP_DELAY = timedelta(seconds=5)
"""After the end of a run's sleep. A Wait state cuts the fractions of its second off (Step Functions developer guide),
and its clock is not the function's: a slice that comes too early finds the conversation asleep and ends all."""


@dataclass(frozen=True, slots=True)
class LongRunState:
    """What the state machine carries from one slice to the next: ids and a count, never content (promise 11)."""

    tenant: str
    conversation_id: str
    correlation_id: str
    slices: int
    has_waited: bool = False

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> Self:
        """Read the state machine's input.

        Raises:
            KeyError: a field is missing.
        """
        return cls(
            event["tenant"],
            event["conversation_id"],
            event["correlation_id"],
            event["slices"],
            event["outcome"] == SliceOutcome.WAITS,
        )

    def after(self, result: SliceResult) -> dict[str, Any]:
        """Return the state for the next round, with what the machine decides upon."""
        return {
            "tenant": self.tenant,
            "conversation_id": self.conversation_id,
            "correlation_id": self.correlation_id,
            "slices": self.slices + 1,
            "outcome": result.outcome.value,
            "wait_until": to_iso(result.wait_until + WAKE_UP_DELAY) if result.wait_until else None,
        }

    @property
    def transitions(self) -> int:
        """Return the states that the machine enters for the slice that begins: deciding, a wait, the slice.

        The first slice of an execution pays for the way out too: deciding again, and the end.
        """
        return 2 + self.has_waited + (2 if self.slices == 0 else 0)

    @property
    def is_full(self) -> bool:
        """Tell whether the next slice belongs into a fresh execution."""
        return self.slices + 1 >= MAX_SLICES_PER_EXECUTION


def continue_as_long_run(long_runs: LongRuns, result: SliceResult, correlation_id: str) -> None:
    """Start an execution for a slice that continues or waits; nothing for one that doesn't.

    A start that fails is left to the sweeper: the conversation stayed in the due-index when it was handed over.
    """
    if result.outcome not in {SliceOutcome.CONTINUES, SliceOutcome.WAITS}:
        return
    if result.lease is None or result.run_id is None:
        raise ValueError(f"a slice that {result.outcome} must name its run")
    lease = result.lease
    state = LongRunState(lease.tenant, lease.conversation_id, correlation_id, slices=-1).after(result)
    try:
        long_runs.start(f"{result.run_id}-{lease.fencing_token}", state)
        logger.info("long run started", run_id=result.run_id, fencing_token=lease.fencing_token)
    except TransientError as error:
        logger.warning("long run not started, the sweeper will ring", run_id=result.run_id, reason=str(error))
