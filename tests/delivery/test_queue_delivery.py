"""The handler behind CallbackQueue, fed with real-shaped events, on the template's state and environment."""

import hashlib
import json
import time
from collections.abc import Iterator

import pytest
from standardwebhooks import Webhook

import queue_delivery
from nightshift.clock import SystemClock
from nightshift.delivery.signature import derive_secret
from nightshift.domain import ids
from nightshift.domain.callback import DeliveryStatus
from nightshift.domain.errors import TransientError
from nightshift.settings import SettingsError
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Ring
from support.aws_tables import Stack
from support.events import Json, load_event, queue_event
from support.lambda_context import FakeLambdaContext
from support.logs import captured_logs
from support.receiver import Receiver, answer, delay, running_receiver
from support.stored_runs import DELIVERY_ID, RUN_ID, TENANT, ended_run, store_ended_run

DUE = load_event("queue_delivery/due_delivery.json")
CORRELATION_ID = "d5e1c7a0-4b32-4f0e-9c55-7a1b2c3d4e5f"
MASTER = b"value-of-CallbackSigningSecret"


@pytest.fixture(autouse=True)
def environment(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the handler what template.yaml gives it on the embedded AWS, in a fresh process as it were."""
    for name, value in stack.environment("QueueDeliveryFunction", AllowPrivateCallbacks="true").items():
        monkeypatch.setenv(name, value)
    queue_delivery._delivery.cache_clear()
    yield
    queue_delivery._delivery.cache_clear()


def handle(event: Json) -> Json:
    answered: Json = queue_delivery.lambda_handler(event, FakeLambdaContext())
    return answered


def store(database: Database, url: str, run_id: str = RUN_ID) -> None:
    # Each run has a range of its own in the one conversation that they share.
    first_sequence = 1 + int(hashlib.sha256(run_id.encode()).hexdigest()[:6], 16) * 2
    run = ended_run(id=run_id, first_sequence=first_sequence, last_sequence=first_sequence + 1)
    store_ended_run(database, url, SystemClock().now(), run)


@pytest.mark.parametrize("name", ["due_delivery", "malformed_doorbell"])
def test_event_file_is_what_sqs_sends(name: str) -> None:
    (record,) = load_event(f"queue_delivery/{name}.json")["Records"]
    assert record["md5OfBody"] == hashlib.md5(record["body"].encode(), usedforsecurity=False).hexdigest()


def test_due_delivery_is_posted_and_the_message_done(database: Database, receiver: Receiver) -> None:
    store(database, receiver.url)
    assert handle(DUE) == {"batchItemFailures": []}
    (request,) = receiver.requests
    verified = Webhook(derive_secret(MASTER, TENANT)).verify(request.body, request.headers)
    assert verified["run_id"] == RUN_ID
    delivery = database.deliveries.get(TENANT, RUN_ID)
    assert delivery
    assert (delivery.status, delivery.status_code) == (DeliveryStatus.DELIVERED, 200)


def test_failed_attempt_is_no_failed_message_and_rings_again_with_a_delay(
    stack: Stack, database: Database, receiver: Receiver
) -> None:
    store(database, receiver.url)
    receiver.behave(answer(500))
    assert handle(DUE) == {"batchItemFailures": []}
    (sent,) = [call.parameters for call in stack.calls if call.operation == "SendMessage"]
    assert sent["QueueUrl"] == stack.values["CallbackQueue"]
    assert sent["DelaySeconds"] == 6
    assert Ring.from_body(sent["MessageBody"]) == Ring(TENANT, RUN_ID, CORRELATION_ID)


def test_ten_deliveries_are_made_at_once(database: Database) -> None:
    run_ids = [ids.new_run_id() for _ in range(10)]
    with running_receiver() as slow:
        slow.behave(delay(1))
        for run_id in run_ids:
            store(database, slow.url, run_id)
        event = queue_event(DUE, [Ring(TENANT, run_id).to_body() for run_id in run_ids])
        began = time.monotonic()
        assert handle(event) == {"batchItemFailures": []}
        assert time.monotonic() - began < 5  # ten seconds one after another
        assert sorted(request.headers["x-run-id"] for request in slow.requests) == sorted(run_ids)


def test_message_that_fails_comes_back_alone(database: Database, receiver: Receiver) -> None:
    run_ids = [ids.new_run_id() for _ in range(3)]
    for run_id in run_ids:
        store(database, receiver.url, run_id)
    event = queue_event(DUE, [Ring(TENANT, run_id).to_body() for run_id in run_ids])
    event["Records"][1]["body"] = load_event("queue_delivery/malformed_doorbell.json")["Records"][0]["body"]
    assert handle(event) == {"batchItemFailures": [{"itemIdentifier": "message-1"}]}
    assert sorted(request.headers["x-run-id"] for request in receiver.requests) == sorted([run_ids[0], run_ids[2]])


def test_private_receiver_is_refused_where_the_template_does_not_allow_it(
    database: Database, receiver: Receiver, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOW_PRIVATE_CALLBACKS", stack.environment("QueueDeliveryFunction")["ALLOW_PRIVATE_CALLBACKS"])
    store(database, receiver.url)
    handle(DUE)
    delivery = database.deliveries.get(TENANT, RUN_ID)
    assert delivery
    assert (delivery.status, delivery.error) == (DeliveryStatus.PENDING, "address is private")
    assert receiver.requests == []


def test_no_attempt_is_used_up_when_the_signing_secret_can_not_be_read(
    database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(database, receiver.url)
    monkeypatch.setenv("CALLBACK_SIGNING_SECRET_ARN", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:gone")
    with pytest.raises(TransientError):
        handle(DUE)
    delivery = database.deliveries.get(TENANT, RUN_ID)
    assert delivery
    assert delivery.attempt == 0


def test_missing_variable_names_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CALLBACK_QUEUE_URL")
    with pytest.raises(SettingsError, match="CALLBACK_QUEUE_URL"):
        handle(DUE)


def test_attempt_is_one_info_line_with_all_ids_and_no_secret(database: Database, receiver: Receiver) -> None:
    store(database, receiver.url)
    with captured_logs() as lines:
        handle(DUE)
    (line,) = lines
    wanted = {
        "level": "INFO",
        "message": "callback attempt recorded",
        "tenant": TENANT,
        "run_id": RUN_ID,
        "delivery_id": DELIVERY_ID,
        "attempt": 1,
        "correlation_id": CORRELATION_ID,
        "host": "127.0.0.1",
        "status_code": 200,
        "delivery_status": "delivered",
    }
    assert {name: line.get(name) for name in wanted} == wanted
    assert line["function_request_id"]
    text = json.dumps(lines)
    for secret in ("very-secret", "/hooks", "whsec", MASTER.decode(), "What is my name?"):
        assert secret not in text


def test_failures_are_logged_with_their_ids(
    database: Database, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "12")
    store(database, receiver.url)
    receiver.behave(answer(503))
    with captured_logs() as lines:
        handle(DUE)
        handle(load_event("queue_delivery/malformed_doorbell.json"))
    retried, malformed = lines
    assert (retried["status_code"], retried["delivery_status"], retried["next_delay_seconds"]) == (503, "pending", 5)
    assert malformed["message"] == "doorbell not answered"
    assert malformed["message_id"] == DUE["Records"][0]["messageId"]
    assert (malformed["Bugs"], malformed["function_version"]) == (1, "12"), "what nobody expected tells its version"
    # Keys of one message do not stay for the next one on the same thread.
    assert "run_id" not in malformed
