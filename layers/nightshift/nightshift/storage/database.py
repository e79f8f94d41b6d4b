"""All tables of one function, put together from its settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from nightshift.settings import TableSettings
from nightshift.storage import clients
from nightshift.storage.agents import Agents
from nightshift.storage.conversations import Conversations
from nightshift.storage.deliveries import Deliveries
from nightshift.storage.dynamo import Dynamo, Write
from nightshift.storage.messages import Messages
from nightshift.storage.payloads import Payloads
from nightshift.storage.runs import Runs


@dataclass(frozen=True, slots=True)
class Database:
    """The aggregates; a function uses those that its role permits."""

    dynamo: Dynamo
    agents: Agents
    conversations: Conversations
    runs: Runs
    deliveries: Deliveries
    messages: Messages

    @classmethod
    def connect(cls, settings: TableSettings) -> Self:
        """Build on this process's AWS clients; nothing is called yet."""
        dynamo = Dynamo(clients.dynamodb())
        payloads = Payloads(clients.s3(), settings.payload_bucket)
        return cls(
            dynamo=dynamo,
            agents=Agents(dynamo, settings.agents_table, payloads),
            conversations=Conversations(dynamo, settings.conversations_table),
            runs=Runs(dynamo, settings.runs_table, payloads),
            deliveries=Deliveries(dynamo, settings.runs_table),
            messages=Messages(dynamo, settings.messages_table, payloads),
        )

    def transact(self, writes: Sequence[Write]) -> None:
        """Do all writes or none; see `Dynamo.transact`."""
        self.dynamo.transact(writes)
