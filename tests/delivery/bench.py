"""A deliverer on real storage, a manual clock and a real receiver: what the tests of deliveries work with."""

from dataclasses import dataclass
from typing import Any

import pytest

from nightshift.clock import SystemClock
from nightshift.delivery.deliver import Deliverer
from nightshift.delivery.send import Sender
from nightshift.domain.callback import CallbackDelivery
from nightshift.outbound.url_guard import UrlGuard
from nightshift.storage import clients
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Doorbell, Ring
from nightshift.storage.keys import DELIVERY, scoped
from support.aws_tables import Stack, client_of
from support.clock import ManualClock
from support.receiver import Receiver
from support.stored_runs import RUN_ID, TENANT, ended_run, store_ended_run

MASTER = b"correct horse battery staple"
RING = Ring(TENANT, RUN_ID, "correlation")
A_LOST_CLAIM_SECONDS = 61


@dataclass(slots=True)
class Bench:
    """A deliverer with all it stands on."""

    stack: Stack
    database: Database
    receiver: Receiver
    clock: ManualClock
    deliverer: Deliverer

    def store(self, **changes: Any) -> CallbackDelivery:
        return store_ended_run(self.database, self.receiver.url, self.clock.now(), ended_run(**changes))

    def answer(self) -> None:
        self.deliverer.answer(RING, MASTER)

    @property
    def delivery(self) -> CallbackDelivery:
        found = self.database.deliveries.get(TENANT, RUN_ID)
        assert found
        return found

    @property
    def due_at(self) -> int | None:
        """Return where the delivery is in the due-index, None when it is settled."""
        key: Any = {"pk": {"S": scoped(TENANT, RUN_ID)}, "sk": {"S": DELIVERY}}
        item = client_of("dynamodb").get_item(TableName="RunsTable", Key=key)["Item"]
        return int(item["due_at"]["N"]) if "due_at" in item else None

    @property
    def rings(self) -> list[tuple[str, int]]:
        """Return correlation id and delay of every doorbell rung so far."""
        sent = [call.parameters for call in self.stack.calls if call.operation == "SendMessage"]
        return [(Ring.from_body(call["MessageBody"]).correlation_id, call["DelaySeconds"]) for call in sent]


@pytest.fixture
def bench(stack: Stack, database: Database, receiver: Receiver) -> Bench:
    # The reference library compares the signature's time with the machine's: the hands start there.
    clock = ManualClock(SystemClock().now())
    doorbell = Doorbell(clients.sqs(), stack.values["CallbackQueue"])
    sender = Sender(SystemClock(), UrlGuard(allow_private=True), timeout_seconds=5)
    deliverer = Deliverer(clock, database.runs, database.messages, database.deliveries, doorbell, sender)
    return Bench(stack, database, receiver, clock, deliverer)
