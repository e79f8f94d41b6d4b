"""The meter on calls to the stack in moto: which tables and indexes it charges, and for which items."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.aws_tables import Stack, client_of
from support.capacity_meter import CapacityMeter, Charge

KEY = {"pk": {"S": "t#1"}}
DUE = {"due_shard": {"S": "0"}, "due_at": {"N": "900"}}
LARGE = {"text": {"S": "x" * 3_000}}


@pytest.fixture
def dynamodb(stack: Stack) -> Any:
    return client_of("dynamodb")


def put(dynamodb: Any, **attributes: Any) -> None:
    dynamodb.put_item(TableName="ConversationsTable", Item=KEY | attributes)


def test_put_update_and_delete_are_charged_with_their_index(dynamodb: Any, meter: CapacityMeter) -> None:
    put(dynamodb, **DUE)
    put(dynamodb, **DUE, **LARGE)
    dynamodb.update_item(
        TableName="ConversationsTable",
        Key=KEY,
        UpdateExpression="SET due_at = :later REMOVE #text",
        ExpressionAttributeNames={"#text": "text"},
        ExpressionAttributeValues={":later": {"N": "915"}},
    )
    dynamodb.delete_item(TableName="ConversationsTable", Key=KEY)
    assert [[(charge.target, charge.write_units) for charge in call.charges] for call in meter.calls] == [
        [("ConversationsTable", 1), ("ConversationsTable/by_due", 1)],
        [("ConversationsTable", 3)],
        [("ConversationsTable", 3), ("ConversationsTable/by_due", 2)],
        [("ConversationsTable", 1), ("ConversationsTable/by_due", 1)],
    ]
    assert meter.write_units == 12
    assert meter.read_units == 0


def test_failed_condition_is_charged_to_the_table_alone(dynamodb: Any, meter: CapacityMeter) -> None:
    put(dynamodb, **DUE)
    meter.clear()
    with pytest.raises(ClientError):
        dynamodb.put_item(
            TableName="ConversationsTable", Item=KEY | LARGE, ConditionExpression="attribute_not_exists(pk)"
        )
    (call,) = meter.calls
    assert call.failed
    assert call.charges == (Charge("ConversationsTable", "Put t#1", write_units=3),)


def test_transaction_doubles_the_table_and_leaves_the_index(dynamodb: Any, meter: CapacityMeter) -> None:
    put(dynamodb, **LARGE)
    meter.clear()
    check = {"TableName": "ConversationsTable", "Key": KEY, "ConditionExpression": "attribute_exists(pk)"}
    other = {"TableName": "ConversationsTable", "Item": {"pk": {"S": "t#2"}} | DUE}
    dynamodb.transact_write_items(TransactItems=[{"ConditionCheck": check}, {"Put": other}])
    (call,) = meter.calls
    assert call.charges == (
        Charge("ConversationsTable", "ConditionCheck t#1", write_units=6),
        Charge("ConversationsTable", "Put t#2", write_units=2),
        Charge("ConversationsTable/by_due", "Put t#2", write_units=1),
    )


def test_cancelled_transaction_is_charged_as_a_whole(dynamodb: Any, meter: CapacityMeter) -> None:
    check = {"TableName": "ConversationsTable", "Key": KEY, "ConditionExpression": "attribute_exists(pk)"}
    other = {"TableName": "ConversationsTable", "Item": {"pk": {"S": "t#2"}} | DUE}
    with pytest.raises(ClientError):
        dynamodb.transact_write_items(TransactItems=[{"ConditionCheck": check}, {"Put": other}])
    assert meter.write_units == 4


def test_batch_write_is_charged_item_by_item(dynamodb: Any, meter: CapacityMeter) -> None:
    put(dynamodb, **DUE)
    meter.clear()
    requests = [{"DeleteRequest": {"Key": KEY}}, {"PutRequest": {"Item": {"pk": {"S": "t#2"}} | LARGE}}]
    dynamodb.batch_write_item(RequestItems={"ConversationsTable": requests})
    assert [(charge.what, charge.write_units) for charge in meter.calls[0].charges] == [
        ("Delete t#1", 1),
        ("Delete t#1", 1),
        ("Put t#2", 3),
    ]


def test_reads_are_charged_by_size_and_consistency(dynamodb: Any, meter: CapacityMeter) -> None:
    put(dynamodb, **DUE, text={"S": "x" * 5_000})
    meter.clear()
    dynamodb.get_item(TableName="ConversationsTable", Key=KEY)
    dynamodb.get_item(TableName="ConversationsTable", Key=KEY, ConsistentRead=True)
    dynamodb.batch_get_item(RequestItems={"ConversationsTable": {"Keys": [KEY, {"pk": {"S": "missing"}}]}})
    dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": "ConversationsTable", "Key": KEY}}])
    dynamodb.query(
        TableName="ConversationsTable",
        IndexName="by_due",
        KeyConditionExpression="due_shard = :shard",
        ExpressionAttributeValues={":shard": {"S": "0"}},
    )
    assert [call.read_units for call in meter.calls] == [1, 2, 1.5, 4, 0.5]
    assert meter.calls[-1].charges[0].target == "ConversationsTable/by_due"
    assert meter.write_units == 0


def test_call_of_unknown_cost_is_refused(dynamodb: Any, meter: CapacityMeter) -> None:
    with pytest.raises(NotImplementedError, match="Scan"):
        dynamodb.scan(TableName="ConversationsTable")
    with pytest.raises(NotImplementedError, match="ProjectionExpression"):
        dynamodb.get_item(TableName="ConversationsTable", Key=KEY, ProjectionExpression="pk")


def test_report_says_what_costs_what(dynamodb: Any, meter: CapacityMeter) -> None:
    put(dynamodb, **DUE)
    assert meter.report().splitlines() == [
        "2 write units and 0 read units:",
        "PutItem",
        "     1 W    0 R  ConversationsTable: Put t#1",
        "     1 W    0 R  ConversationsTable/by_due: Put t#1",
    ]
