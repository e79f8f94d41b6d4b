"""Histories of any length, put straight into moto's memory: through its API 100,000 messages would take minutes."""

import copy
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict

from nightshift.domain import ids
from nightshift.storage.keys import scoped
from performance.data_path import TENANT
from support.aws_tables import REGION, client_of


def lengthen_history(agent_id: str, length: int) -> None:
    """Repeat what was said in an agent's own conversation until its log has `length` messages."""
    pk = scoped(TENANT, agent_id)
    table: Any = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].get_table("MessagesTable")
    partition = next(key for key in table.items if key.value == pk)
    log = table.items[partition]
    said = [item for place, item in log.items() if place.value != "0"]
    for sequence in range(len(said) + 1, length + 1):
        item = _repeat(said[(sequence - 1) % len(said)], sequence)
        log[item.range_key] = item
    client_of("dynamodb").update_item(
        TableName="ConversationsTable",
        Key={"pk": {"S": pk}},
        UpdateExpression="SET next_sequence = :next",
        ExpressionAttributeValues={":next": {"N": str(length + 1)}},
    )


def _repeat(item: Any, sequence: int) -> Any:
    repeated: Item = copy.copy(item)
    place = DynamoType({"N": str(sequence)})
    # `update` passes by the size check that moto makes at every assignment.
    repeated.attrs = LimitedSizeDict(item.attrs)
    repeated.attrs.update(sequence=place, id=DynamoType({"S": ids.message_id(sequence)}))
    repeated.range_key = place
    return repeated
