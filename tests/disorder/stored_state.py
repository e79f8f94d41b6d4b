"""Everything that is stored, read from moto's memory at one moment, without a call that would be part of the story."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Self

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from nightshift.domain.conversation import Conversation
from nightshift.domain.run import Run
from nightshift.storage.conversation_item import to_conversation
from nightshift.storage.dynamo import Item, to_item
from nightshift.storage.keys import DELIVERY, RUN, STEP_PREFIX, split_scoped
from nightshift.storage.runs import to_run
from support.aws_tables import REGION

TABLES = ("ConversationsTable", "RunsTable", "MessagesTable", "AgentsTable")


@dataclass(frozen=True, slots=True)
class StoredState:
    """What the tables hold.

    Attributes:
        lanes: items of conversations as they are stored, by conversation id.
        runs, deliveries, steps: by run id; steps by their numbers.
        logs: messages but the system message, by conversation id, in their order.
    """

    lanes: dict[str, Item]
    runs: dict[str, Run]
    deliveries: dict[str, Item]
    steps: dict[str, list[int]]
    logs: dict[str, list[Item]]

    @classmethod
    def read(cls) -> Self:
        lanes = {split_scoped(item["pk"])[1]: item for item in _items("ConversationsTable")}
        runs, deliveries, steps = {}, {}, defaultdict(list)
        for item in _items("RunsTable"):
            run_id = split_scoped(item["pk"])[1]
            if item["sk"] == RUN:
                runs[run_id] = to_run(item)
            elif item["sk"] == DELIVERY:
                deliveries[run_id] = item
            elif item["sk"].startswith(STEP_PREFIX):
                steps[run_id].append(int(item["sk"].removeprefix(STEP_PREFIX)))
        logs = defaultdict(list)
        for item in sorted(_items("MessagesTable"), key=lambda item: int(item["sequence"])):
            if item["sequence"] > 0:
                logs[split_scoped(item["pk"])[1]].append(item)
        return cls(lanes, runs, deliveries, steps, logs)

    def conversation(self, conversation_id: str) -> Conversation:
        return to_conversation(self.lanes[conversation_id])


def empty_tables() -> None:
    """Forget all items, so that an attempt does not pay for those before it."""
    for name in TABLES:
        table: Any = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].get_table(name)
        table.items.clear()
        if table.stream_shard:
            table.stream_shard.items.clear()


def _items(table: str) -> list[Item]:
    stored = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].get_table(table).all_items()
    return [to_item(item.to_json()["Attributes"]) for item in stored]
