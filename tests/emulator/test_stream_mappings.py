"""Probes stream_mappings: what becomes of a record that fails, and of everybody else meanwhile."""

import json
import time
from pathlib import Path
from typing import Any

from embedded_aws import RECORD, EmbeddedAws, Resource, function, recorded, wait_until

CORRECTION = "stream_mappings"

REPORT_THE_BAD = (
    RECORD
    + """
def handler(event, context):
    keys = [item["dynamodb"]["Keys"]["id"]["S"] for item in event["Records"]]
    if "bad" in keys:
        keys, failed = keys[:keys.index("bad")], event["Records"][keys.index("bad")]
        record(keys)
        return {"batchItemFailures": [{"itemIdentifier": failed["dynamodb"]["SequenceNumber"]}]}
    record(keys)
    return {"batchItemFailures": []}
"""
)
RAISE_ON_BAD = (
    RECORD
    + """
def handler(event, context):
    keys = [item["dynamodb"]["Keys"]["id"]["S"] for item in event["Records"]]
    if "bad" in keys:
        raise ValueError("bad record")
    record(keys)
"""
)
SLEEP = "import time\ndef handler(event, context): time.sleep(8)"


def test_reported_record_is_given_up_and_the_others_are_kept(aws: EmbeddedAws, stack_name: str, records: Path) -> None:
    outputs = aws.deploy(stack_name, consumed_stream(REPORT_THE_BAD, records))
    put(aws, outputs["Table"], "1", "2", "bad", "4", "5")
    letter = failure_record(aws, outputs["DeadLetters"])
    assert letter["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert letter["DDBStreamBatchInfo"]["batchSize"] == 1
    wait_until(lambda: "5" in flat(records), "the records behind it are processed")
    assert sorted(flat(records)) == ["1", "2", "4", "5"]


def test_raising_batch_is_bisected_down_to_the_bad_record(aws: EmbeddedAws, stack_name: str, records: Path) -> None:
    outputs = aws.deploy(stack_name, consumed_stream(RAISE_ON_BAD, records))
    put(aws, outputs["Table"], "1", "2", "3", "bad", "5", "6")
    assert failure_record(aws, outputs["DeadLetters"])["DDBStreamBatchInfo"]["batchSize"] == 1
    wait_until(lambda: "6" in flat(records), "the records behind it are processed")
    assert sorted(flat(records)) == ["1", "2", "3", "5", "6"]


def test_busy_stream_does_not_stall_a_queue(aws: EmbeddedAws, stack_name: str, records: Path) -> None:
    consumer = RECORD + "def handler(event, context): record('consumed')"
    queue = {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "QueueConsumer": function(consumer, RECORDS=str(records)),
        "QueueMapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
                "FunctionName": {"Ref": "QueueConsumer"},
            },
        },
    }
    outputs = aws.deploy(stack_name, consumed_stream(SLEEP, records) | queue)
    put(aws, outputs["Table"], "1")
    time.sleep(0.5)  # until the stream's function is busy
    aws.client("sqs").send_message(QueueUrl=outputs["Queue"], MessageBody="now")
    wait_until(lambda: recorded(records) == ["consumed"], "the queue is consumed meanwhile", 4)


def consumed_stream(code: str, records: Path) -> dict[str, Resource]:
    table = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "StreamSpecification": {"StreamViewType": "KEYS_ONLY"},
    }
    mapping = {
        "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
        "FunctionName": {"Ref": "Consumer"},
        "StartingPosition": "TRIM_HORIZON",
        "MaximumRetryAttempts": 1,
        "BisectBatchOnFunctionError": True,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["DeadLetters", "Arn"]}}},
    }
    return {
        "DeadLetters": {"Type": "AWS::SQS::Queue"},
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": table},
        "Consumer": function(code, RECORDS=str(records)),
        "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
    }


def put(aws: EmbeddedAws, table: str, *keys: str) -> None:
    """Put items so that their records arrive in one batch."""
    items = [{"Put": {"TableName": table, "Item": {"id": {"S": key}}}} for key in keys]
    aws.client("dynamodb").transact_write_items(TransactItems=items)


def failure_record(aws: EmbeddedAws, queue_url: str) -> Any:
    sqs = aws.client("sqs")
    letters = wait_until(lambda: sqs.receive_message(QueueUrl=queue_url).get("Messages"), "the record is given up")
    return json.loads(letters[0]["Body"])


def flat(records: Path) -> list[str]:
    return [key for batch in recorded(records) for key in batch]
