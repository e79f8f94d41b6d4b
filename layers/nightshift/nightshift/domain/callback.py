"""A CallbackDelivery and its CallbackAttempts: what to send where, how often, and when it counts as delivered.

Protects the second half of promise 8: a delivery holds the outcome that the terminal write stored, so that every
attempt carries the same body and agrees with the run.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from nightshift.domain import ids
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason

RETRY_DELAYS_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Wait after the first, second, … failed attempt: the schedule that Standard Webhooks recommends, about three days."""

MAX_ATTEMPTS = len(RETRY_DELAYS_SECONDS) + 1

ATTEMPT_TIMEOUT_SECONDS = 15
"""For one POST from the first byte to the last; Standard Webhooks recommends 15 to 30."""

RETRIED_STATUS_CODES = frozenset({408, 429})
"""Answers below 500 that ask for another attempt (letta_api_spec §2.4)."""


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """What one POST came to: an HTTP status, or the reason why there is none."""

    status_code: int | None
    error: str | None = None

    @property
    def is_success(self) -> bool:
        return self.status_code is not None and 200 <= self.status_code < 300

    @property
    def is_worth_repeating(self) -> bool:
        """Tell whether another attempt may succeed: no answer at all, a server's fault, or being asked to wait."""
        if self.status_code is None:
            return True
        return self.status_code >= 500 or self.status_code in RETRIED_STATUS_CODES


@dataclass(frozen=True, slots=True)
class CallbackDelivery:
    """One notification with all its retries.

    Attributes:
        id: the `webhook-id` of every attempt.
        url: where to POST.
        run_status, stop_reason, run_completed_at: the outcome as the terminal write stored it.
        attempt: 1-based number of the newest attempt, 0 before the first.
        earlier_attempts: those before it was last replayed.
        sent_at: when the newest attempt ended.
        correlation_id: of the API request that made the run, for the logs.
        next_attempt_at: when the next attempt may be made, as stored; None for a delivery that is not stored yet.
    """

    id: str
    tenant: str
    run_id: str
    url: str
    run_status: RunStatus
    stop_reason: StopReason
    run_completed_at: datetime
    status: DeliveryStatus = DeliveryStatus.PENDING
    attempt: int = 0
    earlier_attempts: int = 0
    sent_at: datetime | None = None
    status_code: int | None = None
    error: str | None = None
    correlation_id: str = ""
    next_attempt_at: datetime | None = None

    @classmethod
    def of(cls, run: Run, correlation_id: str) -> Self:
        """Make the delivery that announces how a run ended.

        Raises:
            ValueError: the run has not ended, or asked for no callback.
        """
        if run.callback_url is None or run.stop_reason is None or run.completed_at is None:
            raise ValueError(f"run {run.id} has no outcome to announce")
        return cls(
            id=ids.new_id("delivery"),
            tenant=run.tenant,
            run_id=run.id,
            url=run.callback_url,
            run_status=run.status,
            stop_reason=run.stop_reason,
            run_completed_at=run.completed_at,
            correlation_id=correlation_id,
        )


@dataclass(frozen=True, slots=True)
class Settled:
    """No further attempt: delivered, or given up."""

    status: DeliveryStatus


@dataclass(frozen=True, slots=True)
class Retry:
    """Another attempt is due after `delay`."""

    delay: timedelta


def decide_after(attempt: int, outcome: AttemptOutcome) -> Settled | Retry:
    """Say what follows the attempt with this 1-based number."""
    if outcome.is_success:
        return Settled(DeliveryStatus.DELIVERED)
    if not outcome.is_worth_repeating or attempt >= MAX_ATTEMPTS:
        return Settled(DeliveryStatus.FAILED)
    return Retry(timedelta(seconds=RETRY_DELAYS_SECONDS[attempt - 1]))
