"""Probes the journal of tables: what is left of the writes that came just before a kill."""

import time
from typing import Any

import pytest
from embedded_aws import EmbeddedAws, wait_until

CORRECTION = "table_journal"
TABLE = {
    "TableName": "counts",
    "BillingMode": "PAY_PER_REQUEST",
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
}
KEY = {"id": {"S": "one"}}
KILLS = 3


@pytest.fixture
def dynamodb(aws_to_restart: EmbeddedAws) -> Any:
    """A client, once the table is in a snapshot."""
    client = aws_to_restart.client("dynamodb")
    client.create_table(**TABLE)
    wait_until((aws_to_restart.home / "state" / "dynamodb.json").exists, "the table is saved")
    return client


def test_every_answered_write_survives_a_kill_and_is_there_once(aws_to_restart: EmbeddedAws, dynamodb: Any) -> None:
    written = 0
    for _ in range(KILLS):
        ends_at = time.monotonic() + 1
        while time.monotonic() < ends_at:
            add_one(dynamodb, written)
            written += 1
        aws_to_restart.kill()
        aws_to_restart.start()
    item = dynamodb.get_item(TableName="counts", Key=KEY)["Item"]
    assert int(item["count"]["N"]) == written
    assert int(item["in_transactions"]["N"]) == written
    assert len(item["list"]["L"]) == written


def test_journal_does_not_grow_beyond_what_no_snapshot_holds(aws_to_restart: EmbeddedAws, dynamodb: Any) -> None:
    for number in range(20):
        add_one(dynamodb, number)
    journal = aws_to_restart.home / "state" / "journal"
    wait_until(lambda: journal.is_dir() and not list(journal.iterdir()), "the journal's writes are in a snapshot")


def test_what_was_deleted_stays_deleted(aws_to_restart: EmbeddedAws, dynamodb: Any) -> None:
    dynamodb.put_item(TableName="counts", Item=KEY)
    dynamodb.batch_write_item(RequestItems={"counts": [{"PutRequest": {"Item": {"id": {"S": "two"}}}}]})
    dynamodb.delete_item(TableName="counts", Key=KEY)
    aws_to_restart.kill()
    aws_to_restart.start()
    assert dynamodb.scan(TableName="counts")["Items"] == [{"id": {"S": "two"}}]


def add_one(client: Any, number: int) -> None:
    """Count up in a single write and in a transaction; neither may be done twice."""
    client.update_item(
        TableName="counts",
        Key=KEY,
        UpdateExpression="ADD #count :one SET #list = list_append(if_not_exists(#list, :none), :entry)",
        ExpressionAttributeNames={"#count": "count", "#list": "list"},
        ExpressionAttributeValues={":one": {"N": "1"}, ":none": {"L": []}, ":entry": {"L": [{"N": str(number)}]}},
    )
    update = {
        "TableName": "counts",
        "Key": KEY,
        "UpdateExpression": "ADD in_transactions :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    client.transact_write_items(TransactItems=[{"Update": update}])
