"""Rings every doorbell that was missed: behind each queue message, stream record and delayed retry (promise 1).

What is overdue stays in its due-index until somebody claims it, so a ring that is lost here too is repeated a minute
later. Exactly two queries a sweep, whatever is stored.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from nightshift.clock import Clock
from nightshift.domain.errors import TransientError
from nightshift.storage.conversations import Conversations
from nightshift.storage.deliveries import Deliveries
from nightshift.storage.doorbells import Doorbell, Ring
from nightshift.telemetry import log_keys, logger, measured

MAX_RINGS: Final = 500
"""Per queue and sweep, oldest first: 50 sends, a few seconds. What is left over is older, hence first, in a minute."""

AT_WORK: Final = timedelta(minutes=10)
"""A conversation with a run in execution or waiting is due within this: at its lease's end, or its doorbell's."""

_LOGGED_SUBJECTS: Final = 20

type DueQuery = Callable[[datetime, int], Sequence[tuple[str, str, int]]]
"""`due` of Conversations and Deliveries: (tenant, id, due epoch seconds), oldest first."""


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Both due-indexes and the queues that belong to them."""

    clock: Clock
    conversations: Conversations
    run_doorbell: Doorbell
    deliveries: Deliveries
    callback_doorbell: Doorbell

    def sweep(self, correlation_id: str) -> None:
        """Ring for all that is overdue; safe to repeat.

        Each queue has a thread of its own: one that hangs does not keep the other from ringing. A failure is logged and
        not raised, since the schedule comes again before a retry of the invocation would help.
        """
        with ThreadPoolExecutor(2) as threads:
            works = [
                threads.submit(
                    self._ring_overdue,
                    correlation_id,
                    "conversations",
                    self.conversations.due,
                    self.run_doorbell,
                    AT_WORK,
                ),
                threads.submit(
                    self._ring_overdue, correlation_id, "deliveries", self.deliveries.due, self.callback_doorbell
                ),
            ]
        for work in works:
            work.result()

    def _ring_overdue(
        self,
        correlation_id: str,
        kind: str,
        due: DueQuery,
        doorbell: Doorbell,
        lookahead: timedelta = timedelta(0),
    ) -> None:
        """Ring for what is overdue; with `lookahead` the same query also tells how many are not overdue but at work."""
        now = self.clock.now()
        with log_keys(kind=kind, correlation_id=correlation_id):
            try:
                found = due(now + lookahead, MAX_RINGS)
            except TransientError:
                logger.exception("overdue doorbells not found", **measured({"ServiceFailures": 1}))
                return
            if lookahead and found:
                logger.info("conversations at work", **measured({"ConversationsBusy": len(found)}))
            overdue = [entry for entry in found if entry[2] <= now.timestamp()]
            if not overdue:
                return
            rings = [Ring(tenant, subject, correlation_id) for tenant, subject, _ in overdue]
            failed = doorbell.ring_all(rings)
            _log_rung(kind, rings, failed, oldest_overdue_seconds=round(now.timestamp()) - overdue[0][2])


def _log_rung(kind: str, rings: Sequence[Ring], failed: Sequence[Ring], oldest_overdue_seconds: int) -> None:
    log = logger.error if failed else logger.info
    log(
        "overdue doorbells rung",
        rung=len(rings) - len(failed),
        failed=len(failed),
        is_more_left=len(rings) == MAX_RINGS,
        subjects=[ring.subject for ring in rings[:_LOGGED_SUBJECTS]],
        **measured({"SweeperFinds": len(rings), "OldestOverdueSeconds": oldest_overdue_seconds}, kind=kind),
    )
