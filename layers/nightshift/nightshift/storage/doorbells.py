"""The doorbells: SQS messages that carry ids only and are never the truth (promise 1)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError, ClientError

from nightshift.domain.errors import TransientError
from nightshift.telemetry import logger

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH_SIZE = 10
"""Messages that one SendMessageBatch may carry (SQS API reference)."""

MAX_DELAY_SECONDS = 900
"""The longest delay of a message (SQS API reference)."""


@dataclass(frozen=True, slots=True)
class Ring:
    """What a doorbell says: look at this conversation (RunQueue) or at this run's delivery (CallbackQueue).

    Attributes:
        subject: the conversation's or the run's id.
        correlation_id: follows a run through all hops, for the logs alone.
        trace_header: of the X-Ray trace to go on with, empty for that of the sender's own invocation. Not in the body.
    """

    tenant: str
    subject: str
    correlation_id: str = ""
    trace_header: str = ""

    def to_body(self) -> str:
        return json.dumps({"tenant": self.tenant, "subject": self.subject, "correlation_id": self.correlation_id})

    @classmethod
    def from_body(cls, body: str) -> Self:
        """Read a message's body.

        Raises:
            ValueError: it is not what `to_body` writes; says what was found.
        """
        try:
            value = json.loads(body)
            return cls(value["tenant"], value["subject"], value.get("correlation_id", ""))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"a doorbell must be an object with tenant and subject: {error}") from error


@dataclass(frozen=True, slots=True)
class Doorbell:
    """One queue that is rung."""

    client: "SQSClient"
    queue_url: str

    def ring(self, ring: Ring, delay_seconds: int = 0) -> None:
        """Send one message, at most 900 s delayed.

        Raises:
            TransientError: the queue did not take it; the sweeper will ring instead.
        """
        try:
            self.client.send_message(QueueUrl=self.queue_url, MessageBody=ring.to_body(), DelaySeconds=delay_seconds)
        except (ClientError, BotoCoreError) as error:
            raise TransientError(f"the queue did not take a message: {error}") from error

    def try_to_ring(self, ring: Ring, delay_seconds: int = 0) -> None:
        """Ring; what the queue does not take is told and left to the sweeper."""
        try:
            self.ring(ring, delay_seconds)
        except TransientError as error:
            logger.warning("doorbell not rung, the sweeper will", subject=ring.subject, reason=str(error))

    def ring_all(self, rings: Sequence[Ring]) -> list[Ring]:
        """Send all, ten at a time; return those that the queue did not take. One that is down is not asked again."""
        failed: list[Ring] = []
        for start in range(0, len(rings), BATCH_SIZE):
            batch = rings[start : start + BATCH_SIZE]
            entries: Any = [_to_entry(place, ring) for place, ring in enumerate(batch)]
            try:
                answer = self.client.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
                failed += [batch[int(entry["Id"])] for entry in answer.get("Failed", [])]
            except (ClientError, BotoCoreError):
                return failed + list(rings[start:])
        return failed


def _to_entry(place: int, ring: Ring) -> dict[str, Any]:
    entry: dict[str, Any] = {"Id": str(place), "MessageBody": ring.to_body()}
    if ring.trace_header:
        trace = {"StringValue": ring.trace_header, "DataType": "String"}
        entry["MessageSystemAttributes"] = {"AWSTraceHeader": trace}
    return entry
