"""Probes queue_mappings, and what is right about standard queues without it."""

from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config
from embedded_aws import RECORD, EmbeddedAws, Resource, function, recorded, wait_until

CORRECTION = "queue_mappings"

REPORT_UNKNOWN = (
    RECORD
    + """
def handler(event, context):
    record([message["body"] for message in event["Records"]])
    return {"batchItemFailures": [{"itemIdentifier": "no such message"}]}
"""
)
FAIL_THE_BAD = (
    RECORD
    + """
def handler(event, context):
    record([[message["body"], message["attributes"]["ApproximateReceiveCount"]] for message in event["Records"]])
    bad = [message["messageId"] for message in event["Records"] if message["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in bad]}
"""
)
SLOW = (
    RECORD
    + """
import time
def handler(event, context):
    record(["begin", time.time()])
    time.sleep(1)
    record(["end", time.time()])
"""
)


def test_unknown_identifier_fails_the_whole_batch(aws: EmbeddedAws, stack_name: str, records: Path) -> None:
    outputs = aws.deploy(stack_name, consumed_queue(REPORT_UNKNOWN, records, visibility_seconds=1))
    aws.client("sqs").send_message(QueueUrl=outputs["Queue"], MessageBody="again")
    wait_until(lambda: len(recorded(records)) >= 2, "the message is delivered again")


def test_mapping_that_cannot_be_polled_does_not_starve_others(aws: EmbeddedAws, stack_name: str, records: Path) -> None:
    broken = aws.deploy(f"{stack_name}-broken", consumed_queue(FAIL_THE_BAD, records))
    unchecked = aws.client("lambda", config=Config(parameter_validation=False))
    # It is stored; only the client can't parse the answer that repeats it.
    with pytest.raises(ValueError, match="'ten'"):
        unchecked.update_event_source_mapping(UUID=broken["Mapping"], BatchSize="ten")
    aws.client("sqs").send_message(QueueUrl=broken["Queue"], MessageBody="stuck")
    healthy = aws.deploy(stack_name, consumed_queue(FAIL_THE_BAD, records))
    aws.client("sqs").send_message(QueueUrl=healthy["Queue"], MessageBody="good")
    try:
        assert wait_until(lambda: recorded(records), "the other queue is consumed") == [[["good", "1"]]]
    finally:
        aws.client("lambda").update_event_source_mapping(UUID=broken["Mapping"], BatchSize=10)


@pytest.mark.both_ways
def test_reported_message_is_redelivered_and_ends_in_the_dead_letter_queue(
    aws: EmbeddedAws, stack_name: str, records: Path
) -> None:
    outputs = aws.deploy(stack_name, consumed_queue(FAIL_THE_BAD, records, visibility_seconds=1))
    sqs = aws.client("sqs")
    entries = [{"Id": body, "MessageBody": body} for body in ("good", "bad", "fine")]
    sqs.send_message_batch(QueueUrl=outputs["Queue"], Entries=entries)
    letters = wait_until(
        lambda: sqs.receive_message(QueueUrl=outputs["DeadLetters"]).get("Messages"), "the message is redriven"
    )
    assert [letter["Body"] for letter in letters] == ["bad"]
    seen = [tuple(message) for batch in recorded(records) for message in batch]
    assert sorted(seen) == [("bad", "1"), ("bad", "2"), ("fine", "1"), ("good", "1")]


@pytest.mark.both_ways
def test_batches_of_one_mapping_run_side_by_side_up_to_its_concurrency(
    aws: EmbeddedAws, stack_name: str, records: Path
) -> None:
    outputs = aws.deploy(stack_name, consumed_queue(SLOW, records, batch_size=1, concurrency=2))
    sqs = aws.client("sqs")
    for number in range(4):
        sqs.send_message(QueueUrl=outputs["Queue"], MessageBody=str(number))
    wait_until(lambda: len(recorded(records)) == 8, "four messages are consumed")
    assert most_at_once(recorded(records)) == 2


def consumed_queue(
    code: str, records: Path, *, visibility_seconds: int = 30, batch_size: int = 10, concurrency: int | None = None
) -> dict[str, Resource]:
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}, "maxReceiveCount": 2}
    mapping: dict[str, Any] = {
        "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
        "FunctionName": {"Ref": "Consumer"},
        "BatchSize": batch_size,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    if concurrency is not None:
        mapping["ScalingConfig"] = {"MaximumConcurrency": concurrency}
    return {
        "DeadLetters": {"Type": "AWS::SQS::Queue"},
        "Queue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {"VisibilityTimeout": visibility_seconds, "RedrivePolicy": redrive},
        },
        "Consumer": function(code, RECORDS=str(records)),
        "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
    }


def most_at_once(events: list[Any]) -> int:
    running = highest = 0
    for kind, _ in sorted(events, key=lambda event: float(event[1])):
        running += 1 if kind == "begin" else -1
        highest = max(highest, running)
    return highest
