"""Shows and redrives dead letters: doorbells that were answered five times in vain.

Run by ``make dead-letters`` and ``make redrive QUEUE=RunDeadLetters``. A dead letter is never the truth: what it asks
to look at is in the tables, where the sweeper finds it too. Redriving rings at once, and empties the queue that alarms.
The tables say here why a letter may be dead; the logs under its correlation id say more.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from connected_stack import ConnectedStack, StackNotFoundError
from nightshift.clock import from_epoch_ms
from nightshift.domain.errors import NightshiftError
from nightshift.storage.conversations import Conversations
from nightshift.storage.deliveries import Deliveries
from nightshift.storage.doorbells import Ring
from nightshift.storage.dynamo import Dynamo
from nightshift.storage.payloads import Payloads
from nightshift.storage.runs import Runs

QUEUES: Final = {"RunDeadLetters": "RunQueue", "CallbackDeadLetters": "CallbackQueue"}
"""Where letters lie, and where they came from."""

_LOOK_SECONDS: Final = 60
"""How long letters are hidden from others while they are looked at; they are shown again at the end."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message of a dead-letter queue."""

    body: str
    sent_at: datetime
    receipt: str


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead-letter queues of one stack."""

    sqs: Any
    conversations: Conversations
    runs: Runs
    deliveries: Deliveries
    queue_urls: dict[str, str]

    @classmethod
    def of(cls, stack: ConnectedStack) -> "DeadLetters":
        """Build on a stack's queues and tables."""
        outputs, dynamo = stack.outputs, Dynamo(stack.client("dynamodb"))
        runs_table = outputs["RunsTableName"]
        return cls(
            sqs=stack.client("sqs"),
            conversations=Conversations(dynamo, outputs["ConversationsTableName"]),
            runs=Runs(dynamo, runs_table, Payloads(stack.client("s3"), "")),  # no request is read, hence no payload
            deliveries=Deliveries(dynamo, runs_table),
            queue_urls={name: outputs[f"{name}Url"] for name in [*QUEUES, *QUEUES.values()]},
        )

    def show(self, queue: str, now: datetime) -> Iterator[str]:
        """Yield a line for each letter: age, body, and why if the tables know."""
        letters = list(self._receive(queue))
        try:
            for letter in letters:
                yield f"{queue:20} {_age(now - letter.sent_at):>8}  {letter.body}\n{'':31}{self._why(queue, letter)}"
        finally:
            for letter in letters:
                self.sqs.change_message_visibility(
                    QueueUrl=self.queue_urls[queue], ReceiptHandle=letter.receipt, VisibilityTimeout=0
                )

    def redrive(self, queue: str) -> int:
        """Ring again for all letters that lie there now; return how many.

        A letter is sent before it is deleted: one that is sent twice is a doorbell that rings twice.
        """
        letters = list(self._receive(queue))
        for letter in letters:
            self.sqs.send_message(QueueUrl=self.queue_urls[QUEUES[queue]], MessageBody=letter.body)
            self.sqs.delete_message(QueueUrl=self.queue_urls[queue], ReceiptHandle=letter.receipt)
        return len(letters)

    def _receive(self, queue: str) -> Iterator[DeadLetter]:
        while True:
            answer = self.sqs.receive_message(
                QueueUrl=self.queue_urls[queue],
                MaxNumberOfMessages=10,
                VisibilityTimeout=_LOOK_SECONDS,
                MessageSystemAttributeNames=["SentTimestamp"],
            )
            if not answer.get("Messages"):
                return
            for message in answer["Messages"]:
                sent_at = from_epoch_ms(int(message["Attributes"]["SentTimestamp"]))
                yield DeadLetter(message["Body"], sent_at, message["ReceiptHandle"])

    def _why(self, queue: str, letter: DeadLetter) -> str:
        try:
            ring = Ring.from_body(letter.body)
            return self._why_delivery(ring) if queue == "CallbackDeadLetters" else self._why_run(ring)
        except (ValueError, NightshiftError) as error:
            return f"{type(error).__name__}: {error}"

    def _why_run(self, ring: Ring) -> str:
        conversation = self.conversations.get(ring.tenant, ring.subject)
        if conversation is None:
            return "the conversation is gone: nothing to do"
        if not conversation.waiting:
            return "no run waits any more: nothing to do"
        run = self.runs.get(ring.tenant, conversation.waiting[0])
        if run is None:
            return f"{conversation.waiting[0]} waits and is not there: a bug"
        return f"{run.id} is {run.status}, {run.starts_without_progress} starts without progress; {_shown(run.error)}"

    def _why_delivery(self, ring: Ring) -> str:
        delivery = self.deliveries.get(ring.tenant, ring.subject)
        if delivery is None:
            return "the run has no delivery: nothing to do"
        said = f"status {delivery.status_code}" if delivery.status_code else _shown(delivery.error)
        return f"{delivery.id} is {delivery.status} after attempt {delivery.attempt}; {said}"


def _shown(error: str | None) -> str:
    return error or "no error is stored"


def _age(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    days, hours, minutes = seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} m" if hours else f"{minutes} m {seconds % 60} s"


def main() -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["list", "redrive"])
    parser.add_argument("queue", nargs="?", choices=QUEUES, help="redrive: which letters")
    parser.add_argument("--home", type=Path, default=Path(".local"), help="home of the local stack (default: .local)")
    parser.add_argument("--stack", help="name of a stack in AWS, instead of the local one")
    arguments = parser.parse_args()
    if arguments.command == "redrive" and arguments.queue is None:
        parser.error(f"redrive which letters? QUEUE={' or QUEUE='.join(QUEUES)}")
    try:
        stack = ConnectedStack.in_aws(arguments.stack) if arguments.stack else ConnectedStack.local(arguments.home)
        letters = DeadLetters.of(stack)
        if arguments.command == "redrive":
            print(f"redriven    {letters.redrive(arguments.queue)} from {arguments.queue} to {QUEUES[arguments.queue]}")
        else:
            _list(letters)
    except (StackNotFoundError, ClientError, BotoCoreError) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    return 0


def _list(letters: DeadLetters) -> None:
    for queue in QUEUES:
        lines = list(letters.show(queue, datetime.now(UTC)))
        print("\n".join(lines) if lines else f"{queue:20} empty")


if __name__ == "__main__":
    sys.exit(main())
