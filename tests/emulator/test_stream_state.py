"""Probes stream_state: a stream and its mapping after a restart."""

from pathlib import Path

from embedded_aws import RECORD, EmbeddedAws, function, recorded, wait_until

CORRECTION = "stream_state"
REFUSES_WHILE_CLOSED = (
    RECORD
    + """
def handler(event, context):
    if os.path.exists(os.environ["CLOSED"]):
        raise RuntimeError("closed")
    for item in event["Records"]:
        record(item["dynamodb"]["Keys"]["id"]["S"])
"""
)


def test_waiting_and_new_records_reach_the_mapping_after_a_restart(
    aws_to_restart: EmbeddedAws, stack_name: str, records: Path, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    table = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
    }
    mapping = {
        "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
        "FunctionName": {"Ref": "Consumer"},
        "StartingPosition": "LATEST",
    }
    resources = {
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": table},
        "Consumer": function(REFUSES_WHILE_CLOSED, RECORDS=str(records), CLOSED=str(closed)),
        "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
    }
    aws = aws_to_restart
    table_name = aws.deploy(stack_name, resources)["Table"]
    put(aws, table_name, "processed")
    wait_until(lambda: recorded(records) == ["processed"], "the first record is processed")
    closed.touch()
    put(aws, table_name, "waiting")
    aws.stop()
    closed.unlink()
    aws.start()
    put(aws, table_name, "new")
    wait_until(lambda: recorded(records)[1:] == ["waiting", "new"], "the waiting and the new record are processed")


def put(aws: EmbeddedAws, table_name: str, key: str) -> None:
    aws.client("dynamodb").put_item(TableName=table_name, Item={"id": {"S": key}})
