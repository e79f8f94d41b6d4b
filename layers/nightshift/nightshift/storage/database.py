"""All tables of one function, put together from its settings."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Self

from nightshift.settings import TableSettings
from nightshift.storage import clients
from nightshift.storage.dynamo import Check, Dynamo, Write
from nightshift.storage.payloads import Payloads

if TYPE_CHECKING:
    from nightshift.storage.agents import Agents
    from nightshift.storage.blocks import Blocks
    from nightshift.storage.conversations import Conversations
    from nightshift.storage.deliveries import Deliveries
    from nightshift.storage.descriptions import Descriptions
    from nightshift.storage.idempotency import Idempotency
    from nightshift.storage.mcp_servers import McpServers
    from nightshift.storage.messages import Messages
    from nightshift.storage.outputs import Outputs
    from nightshift.storage.passages import Passages
    from nightshift.storage.pauses import Pauses
    from nightshift.storage.runs import Runs
    from nightshift.storage.steps import Steps
    from nightshift.storage.tools import Tools


class Database:
    """The aggregates; a function uses those that its role permits, and a cold start loads those that it uses."""

    def __init__(self, dynamo: Dynamo, payloads: Payloads, settings: TableSettings) -> None:
        self.dynamo = dynamo
        self._payloads = payloads
        self._settings = settings

    @classmethod
    def connect(cls, settings: TableSettings) -> Self:
        """Build on this process's AWS clients; nothing is called yet."""
        return cls(Dynamo(clients.dynamodb()), Payloads(clients.s3(), settings.payload_bucket), settings)

    @cached_property
    def agents(self) -> "Agents":
        from nightshift.storage.agents import Agents

        return Agents(self.dynamo, self._settings.agents_table, self._payloads)

    @cached_property
    def blocks(self) -> "Blocks":
        from nightshift.storage.blocks import Blocks

        return Blocks(self.dynamo, self._settings.agents_table, self._payloads)

    @cached_property
    def conversations(self) -> "Conversations":
        from nightshift.storage.conversations import Conversations

        return Conversations(self.dynamo, self._settings.conversations_table)

    @cached_property
    def deliveries(self) -> "Deliveries":
        from nightshift.storage.deliveries import Deliveries

        return Deliveries(self.dynamo, self._settings.runs_table)

    @cached_property
    def descriptions(self) -> "Descriptions":
        from nightshift.storage.descriptions import Descriptions

        return Descriptions(self.dynamo, self._settings.agents_table, self._payloads)

    @cached_property
    def idempotency(self) -> "Idempotency":
        from nightshift.storage.idempotency import Idempotency

        return Idempotency(self.dynamo, self._settings.runs_table)

    @cached_property
    def mcp_servers(self) -> "McpServers":
        from nightshift.storage.mcp_servers import McpServers

        return McpServers(self.dynamo, self._settings.agents_table, self._payloads)

    @cached_property
    def messages(self) -> "Messages":
        from nightshift.storage.messages import Messages

        return Messages(self.dynamo, self._settings.messages_table, self._payloads)

    @cached_property
    def passages(self) -> "Passages":
        from nightshift.storage.passages import Passages

        return Passages(self.dynamo, self._settings.messages_table, self._payloads)

    @cached_property
    def pauses(self) -> "Pauses":
        from nightshift.storage.pauses import Pauses

        return Pauses(self.dynamo, self._settings.agents_table)

    @cached_property
    def outputs(self) -> "Outputs":
        from nightshift.storage.outputs import Outputs

        return Outputs(self.dynamo, self._settings.runs_table, self._payloads)

    @cached_property
    def runs(self) -> "Runs":
        from nightshift.storage.runs import Runs

        return Runs(self.dynamo, self._settings.runs_table, self._payloads)

    @cached_property
    def steps(self) -> "Steps":
        from nightshift.storage.steps import Steps

        return Steps(self.dynamo, self._settings.runs_table)

    @cached_property
    def tools(self) -> "Tools":
        from nightshift.storage.tools import Tools

        return Tools(self.dynamo, self._settings.agents_table, self._payloads)

    def transact(self, writes: Sequence[Write | Check]) -> None:
        """Do all writes or none; see `Dynamo.transact`."""
        self.dynamo.transact(writes)
