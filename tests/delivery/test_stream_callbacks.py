"""The handler behind the runs table's stream."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

import stream_callbacks
from nightshift.clock import SystemClock
from nightshift.storage import clients
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Ring
from support.aws_tables import Stack, load_template
from support.events import Json, load_event
from support.lambda_context import FakeLambdaContext
from support.stored_runs import CORRELATION_ID, RUN_ID, TENANT, store_ended_run

THREE = load_event("stream_callbacks/three_deliveries.json")


@pytest.fixture(autouse=True)
def environment(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in stack.environment("StreamCallbacksFunction").items():
        monkeypatch.setenv(name, value)
    stream_callbacks._doorbell.cache_clear()


def handle(event: Json) -> Json:
    answered: Json = stream_callbacks.lambda_handler(event, FakeLambdaContext())
    return answered


def numbers(event: Json) -> list[str]:
    return [record["dynamodb"]["SequenceNumber"] for record in event["Records"]]


def many(count: int) -> Json:
    """Return an event of `count` deliveries shaped like the file's first one."""
    records = []
    for number in range(count):
        record = json.loads(json.dumps(THREE["Records"][0]))
        record["dynamodb"]["SequenceNumber"] = str(1_000_000 + number)
        record["dynamodb"]["Keys"]["pk"]["S"] = f"tenant-{number}#run-{number}"
        records.append(record)
    return {"Records": records}


def test_new_delivery_rings_once(stack: Stack) -> None:
    assert handle(load_event("stream_callbacks/new_delivery.json")) == {"batchItemFailures": []}
    (message,) = stack.messages("CallbackQueue")
    assert Ring.from_body(message["Body"]) == Ring(TENANT, RUN_ID, "c0ffee00-0000-4000-8000-000000000000")


def test_stored_delivery_is_announced_by_the_stream_that_the_template_declares(
    stack: Stack, database: Database
) -> None:
    store_ended_run(database, "https://hooks.example/x", SystemClock().now())
    records = stack.stream_records("RunsTable")
    passing = [record for record in records if passes_filter(record)]
    assert len(records) > len(passing) == 1
    assert set(passing[0]["dynamodb"]) <= set(THREE["Records"][0]["dynamodb"])
    handle({"Records": passing})
    (message,) = stack.messages("CallbackQueue")
    assert Ring.from_body(message["Body"]) == Ring(TENANT, RUN_ID, CORRELATION_ID)


def test_later_changes_of_a_delivery_are_not_announced(stack: Stack, database: Database) -> None:
    store_ended_run(database, "https://hooks.example/x", SystemClock().now())
    before = len(stack.stream_records("RunsTable"))
    assert database.deliveries.claim(TENANT, RUN_ID, SystemClock().now())
    (change,) = stack.stream_records("RunsTable")[before:]
    assert not passes_filter(change)


@pytest.mark.parametrize("record", THREE["Records"])
def test_event_file_passes_the_filter(record: Json) -> None:
    assert passes_filter(record)


def passes_filter(record: Json) -> bool:
    events = load_template()["Resources"]["StreamCallbacksFunction"]["Properties"]["Events"]
    (pattern,) = events["NewDelivery"]["Properties"]["FilterCriteria"]["Filters"]
    return matches(json.loads(pattern["Pattern"]), record)


def matches(pattern: Any, value: Any) -> bool:
    """Compare as Lambda does, as far as the template needs it: nested names, lists of allowed values."""
    if isinstance(pattern, dict):
        return all(name in value and matches(inner, value[name]) for name, inner in pattern.items())
    return value in pattern


def test_a_hundred_deliveries_are_ten_sends(stack: Stack) -> None:
    stack.calls.clear()
    assert handle(many(100)) == {"batchItemFailures": []}
    assert [call.operation for call in stack.calls] == ["SendMessageBatch"] * 10
    rings = [Ring.from_body(message["Body"]) for message in stack.messages("CallbackQueue")]
    assert sorted(ring.subject for ring in rings) == sorted(f"run-{number}" for number in range(100))


def test_record_that_the_queue_does_not_take_is_reported_alone(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    client = clients.sqs()
    send = client.send_message_batch

    def refuse_the_second(**arguments: Any) -> Any:
        kept = [entry for entry in arguments["Entries"] if entry["Id"] != "1"]
        failed = {"Id": "1", "Code": "InternalError", "SenderFault": False}
        return send(QueueUrl=arguments["QueueUrl"], Entries=kept) | {"Failed": [failed]}

    monkeypatch.setattr(client, "send_message_batch", refuse_the_second)
    assert handle(THREE) == {"batchItemFailures": [{"itemIdentifier": numbers(THREE)[1]}]}
    assert len(stack.messages("CallbackQueue")) == 2


def test_queue_that_is_down_is_asked_once_and_all_records_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(**arguments: Any) -> Any:
        asked.append(arguments)
        raise ClientError({"Error": {"Code": "ServiceUnavailable", "Message": ""}}, "SendMessageBatch")

    monkeypatch.setattr(clients.sqs(), "send_message_batch", refuse)
    event = many(25)
    assert handle(event) == {"batchItemFailures": [{"itemIdentifier": number} for number in numbers(event)]}
    assert len(asked) == 1
