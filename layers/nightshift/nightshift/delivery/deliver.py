"""From a doorbell to the recorded attempt: claim, read, POST once, record, plan the next.

claim    attempt + 1, not due for a minute    a second doorbell finds nothing to do
POST     the receiver knows                   a crash from here on repeats the attempt: at least once
record   outcome, next due time               the table decides when; the sweeper stands behind
ring     a delayed message                    only makes a short delay exact
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from nightshift.clock import Clock
from nightshift.delivery.body import build_body
from nightshift.delivery.send import Sender
from nightshift.delivery.signature import derive_secret, sign
from nightshift.domain.callback import (
    MAX_ATTEMPTS,
    AttemptOutcome,
    CallbackDelivery,
    DeliveryStatus,
    Retry,
    Settled,
    decide_after,
)
from nightshift.domain.errors import ConditionFailedError
from nightshift.domain.message import Message
from nightshift.domain.run import Run
from nightshift.domain.web_url import WebUrl, WebUrlError
from nightshift.storage.deliveries import Deliveries
from nightshift.storage.doorbells import MAX_DELAY_SECONDS, Doorbell, Ring
from nightshift.storage.messages import Messages
from nightshift.storage.outputs import Outputs
from nightshift.storage.runs import Runs
from nightshift.telemetry import add_log_keys, log_keys, logger, measured

_RING_LATE_SECONDS: Final = 1
"""Added to a message's delay, so that it does not arrive before its attempt is due by the table's clock."""


_OUTCOMES: Final = {
    DeliveryStatus.DELIVERED: "delivered",
    DeliveryStatus.PENDING: "retried",
    DeliveryStatus.FAILED: "given_up",
}
"""What an attempt came to, in the metric's words."""


@dataclass(frozen=True, slots=True)
class Deliverer:
    """Answers the doorbells of CallbackQueue; threads may share one."""

    clock: Clock
    runs: Runs
    messages: Messages
    deliveries: Deliveries
    doorbell: Doorbell
    sender: Sender

    def answer(self, ring: Ring, signing_master: bytes) -> None:
        """Make the attempt that is due for the run in `ring`; do nothing if none is.

        Safe to repeat: a POST that left no record is made again, with the same id and body, once its claim is over.

        Raises:
            TransientError: storage did not answer; the doorbell should ring again.
        """
        with log_keys(tenant=ring.tenant, run_id=ring.subject, correlation_id=ring.correlation_id):
            delivery = self.deliveries.claim(ring.tenant, ring.subject, self.clock.now())
            if delivery is None:
                logger.debug("no callback attempt is due")
                return
            traced = replace(ring, correlation_id=delivery.correlation_id or ring.correlation_id)
            with log_keys(
                correlation_id=traced.correlation_id,
                delivery_id=delivery.id,
                attempt=delivery.attempt,
                host=_host_of(delivery),
            ):
                self._attempt(delivery, traced, signing_master)

    def _attempt(self, delivery: CallbackDelivery, ring: Ring, signing_master: bytes) -> None:
        outcome, next_step = self._post(delivery, signing_master)
        try:
            self.deliveries.record(delivery, outcome, next_step, self.clock.now())
        except ConditionFailedError:
            logger.info("callback attempt overtaken by a newer one")
            return
        _log_recorded(outcome, next_step)
        if isinstance(next_step, Retry):
            self._ring_after(next_step.delay, ring)

    def _post(self, delivery: CallbackDelivery, signing_master: bytes) -> tuple[AttemptOutcome, Settled | Retry]:
        if delivery.attempt > MAX_ATTEMPTS:
            # Attempts that die before they are recorded are counted by the claim alone; here they end.
            return AttemptOutcome(None, "gave up: attempts left no record"), Settled(DeliveryStatus.FAILED)
        run = self.runs.get(delivery.tenant, delivery.run_id)
        if run is None:
            return AttemptOutcome(None, "the run was deleted"), Settled(DeliveryStatus.FAILED)
        add_log_keys(agent_id=run.agent_id, conversation_id=run.conversation_id)
        body = build_body(run, delivery, self._messages_of(run), self.outputs.read(run))
        outcome = self.sender.post(delivery.url, self._headers(delivery, body, signing_master), body)
        return outcome, decide_after(delivery.attempt, outcome)

    def _messages_of(self, run: Run) -> Iterable[Message]:
        if run.first_sequence is None or run.last_sequence is None:
            return ()
        first, last = run.first_sequence, run.last_sequence
        return self.messages.read(run.tenant, run.conversation_id, first=first, last=last)

    @property
    def outputs(self) -> Outputs:
        return Outputs(self.runs.dynamo, self.runs.table, self.runs.payloads)

    def _headers(self, delivery: CallbackDelivery, body: bytes, signing_master: bytes) -> dict[str, str]:
        secret = derive_secret(signing_master, delivery.tenant)
        signature = sign(secret, delivery.id, self.clock.now(), body)
        return signature | {"X-Run-Id": delivery.run_id, "X-Nightshift-Attempt": str(delivery.attempt)}

    def _ring_after(self, delay: timedelta, ring: Ring) -> None:
        """Ring again when the next attempt is due; a longer delay than a message can have is left to the sweeper."""
        delay_seconds = math.ceil(delay.total_seconds()) + _RING_LATE_SECONDS
        if delay_seconds <= MAX_DELAY_SECONDS:
            self.doorbell.try_to_ring(ring, delay_seconds)


def _log_recorded(outcome: AttemptOutcome, next_step: Settled | Retry) -> None:
    match next_step:
        case Settled(status=status):
            next_delay_seconds = None
        case Retry(delay=delay):
            status, next_delay_seconds = DeliveryStatus.PENDING, delay.total_seconds()
    logger.info(
        "callback attempt recorded",
        status_code=outcome.status_code,
        error=outcome.error,
        delivery_status=status.value,
        next_delay_seconds=next_delay_seconds,
        **measured({"Deliveries": 1}, outcome=_OUTCOMES[status]),
    )


def _host_of(delivery: CallbackDelivery) -> str | None:
    """Return what a log may hold of the URL: path and query can be secrets."""
    try:
        return WebUrl.parse(delivery.url).host
    except WebUrlError:
        return None
