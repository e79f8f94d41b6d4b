"""Probes table_throughput: a limit of a table's own throttles what goes beyond it, until it is taken off."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from embedded_aws import EmbeddedAws

CORRECTION = "table_throughput"


def test_writes_beyond_the_limit_are_throttled(aws: EmbeddedAws) -> None:
    dynamodb = table(aws, "limited", 1)
    with pytest.raises(ClientError) as refused:
        put_twenty(dynamodb, "limited")
    assert refused.value.response["Error"]["Code"] == "ThrottlingException"


def test_transaction_beyond_the_limit_says_which_item_was_throttled(aws: EmbeddedAws) -> None:
    dynamodb = table(aws, "transacted", 1)
    puts = [{"Put": {"TableName": "transacted", "Item": {"pk": {"S": pk}}}} for pk in "ab"]
    with pytest.raises(ClientError) as refused:
        dynamodb.transact_write_items(TransactItems=puts)
    assert [reason["Code"] for reason in refused.value.response["CancellationReasons"]] == ["ThrottlingError"] * 2
    assert dynamodb.scan(TableName="transacted")["Count"] == 0


@pytest.mark.both_ways
def test_nothing_is_throttled_once_the_limit_is_off(aws: EmbeddedAws) -> None:
    dynamodb = table(aws, "free", 1)
    off = {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1}
    dynamodb.update_table(TableName="free", OnDemandThroughput=off)
    put_twenty(dynamodb, "free")
    assert dynamodb.scan(TableName="free")["Count"] == 20


def table(aws: EmbeddedAws, name: str, limit: int) -> Any:
    dynamodb = aws.client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        OnDemandThroughput={"MaxWriteRequestUnits": limit},
    )
    return dynamodb


def put_twenty(dynamodb: Any, name: str) -> None:
    for number in range(20):
        dynamodb.put_item(TableName=name, Item={"pk": {"S": str(number)}})
