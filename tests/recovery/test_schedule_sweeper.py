"""The sweeper: rings whatever was missed, with two queries, whichever queue is down."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

import queue_delivery
import schedule_sweeper
from nightshift.clock import SystemClock
from nightshift.domain import ids
from nightshift.domain.callback import AttemptOutcome, DeliveryStatus, Retry, Settled
from nightshift.recovery.sweep import MAX_RINGS, Sweeper
from nightshift.storage import clients
from nightshift.storage.conversations import Conversations
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Doorbell, Ring
from support.aws_tables import Stack
from support.clock import ManualClock
from support.events import load_event, queue_event
from support.lambda_context import FakeLambdaContext
from support.logs import captured_logs
from support.receiver import running_receiver
from support.stored_runs import AGENT_ID, RUN_ID, TENANT, ended_run, store_ended_run

EVERY_MINUTE = load_event("schedule_sweeper/every_minute.json")
URL = "https://hooks.example/x"
OVERDUE = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def environment(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in stack.environment("ScheduleSweeperFunction").items():
        monkeypatch.setenv(name, value)
    schedule_sweeper._sweeper.cache_clear()
    yield
    schedule_sweeper._sweeper.cache_clear()


def sweep(context: FakeLambdaContext | None = None) -> None:
    assert schedule_sweeper.lambda_handler(EVERY_MINUTE, context or FakeLambdaContext()) is None


def store_waiting_conversation(database: Database, accepted_at: datetime, conversation_id: str = AGENT_ID) -> None:
    database.transact([database.conversations.create(TENANT, conversation_id, AGENT_ID)])
    database.transact([database.conversations.enqueue(TENANT, conversation_id, RUN_ID, accepted_at)])


def rings_in(stack: Stack, queue: str) -> list[Ring]:
    return [Ring.from_body(message["Body"]) for message in stack.messages(queue)]


def test_overdue_doorbells_are_rung_on_their_queues(stack: Stack, database: Database) -> None:
    missed_at = SystemClock().now() - OVERDUE
    store_waiting_conversation(database, missed_at)
    store_ended_run(database, URL, missed_at)
    context = FakeLambdaContext()
    sweep(context)
    assert rings_in(stack, "RunQueue") == [Ring(TENANT, AGENT_ID, context.aws_request_id)]
    assert rings_in(stack, "CallbackQueue") == [Ring(TENANT, RUN_ID, context.aws_request_id)]


def test_nothing_is_rung_before_its_doorbell_can_be_called_late(stack: Stack, database: Database) -> None:
    store_waiting_conversation(database, SystemClock().now())
    store_ended_run(database, URL, SystemClock().now())
    sweep()
    assert rings_in(stack, "RunQueue") == []
    assert rings_in(stack, "CallbackQueue") == []


def test_expired_lease_is_rung_for(stack: Stack, database: Database) -> None:
    crashed_at = SystemClock().now() - OVERDUE
    store_waiting_conversation(database, crashed_at)
    assert database.conversations.claim(TENANT, AGENT_ID, "runner-1", crashed_at, timedelta(seconds=60))
    sweep()
    assert [ring.subject for ring in rings_in(stack, "RunQueue")] == [AGENT_ID]


def test_live_lease_is_left_alone(stack: Stack, database: Database) -> None:
    store_waiting_conversation(database, SystemClock().now() - OVERDUE)
    now = SystemClock().now()
    assert database.conversations.claim(TENANT, AGENT_ID, "runner-1", now, timedelta(seconds=60))
    sweep()
    assert rings_in(stack, "RunQueue") == []


def test_settled_delivery_is_left_alone(stack: Stack, database: Database) -> None:
    missed_at = SystemClock().now() - OVERDUE
    store_ended_run(database, URL, missed_at)
    claimed = database.deliveries.claim(TENANT, RUN_ID, missed_at)
    assert claimed
    database.deliveries.record(claimed, AttemptOutcome(410), Settled(DeliveryStatus.FAILED), missed_at)
    sweep()
    assert rings_in(stack, "CallbackQueue") == []


def test_retry_of_hours_is_rung_when_it_is_due(stack: Stack, database: Database) -> None:
    delay = timedelta(hours=2)
    tried_at = SystemClock().now() - delay - timedelta(seconds=16)
    store_ended_run(database, URL, tried_at)
    claimed = database.deliveries.claim(TENANT, RUN_ID, tried_at)
    assert claimed
    database.deliveries.record(claimed, AttemptOutcome(503), Retry(delay), tried_at)
    sweep()
    assert [ring.subject for ring in rings_in(stack, "CallbackQueue")] == [RUN_ID]


@pytest.mark.parametrize("overdue_runs", [0, 1, 30])
def test_sweep_makes_two_queries_whatever_is_stored(stack: Stack, database: Database, overdue_runs: int) -> None:
    for _ in range(overdue_runs):
        run = ended_run(id=ids.new_run_id())
        store_ended_run(database, URL, SystemClock().now() - OVERDUE, run, messages=[])
    stack.calls.clear()
    sweep()
    called = [(call.service, call.operation) for call in stack.calls]
    assert called.count(("dynamodb", "Query")) == 2
    assert called.count(("sqs", "SendMessageBatch")) == -(-overdue_runs // 10)
    assert len(called) == 2 + -(-overdue_runs // 10)
    limits = [call.parameters["Limit"] for call in stack.calls if call.operation == "Query"]
    assert limits == [MAX_RINGS, MAX_RINGS]


def test_items_with_nothing_to_do_are_in_no_answer_to_the_sweeper(stack: Stack, database: Database) -> None:
    """Idle conversations and settled deliveries cost a sweep nothing, however many there are."""
    long_ago = SystemClock().now() - timedelta(days=30)
    for number in range(60):
        database.transact([database.conversations.create(TENANT, f"conv-{number}", AGENT_ID)])
        run = ended_run(id=ids.new_run_id())
        store_ended_run(database, URL, long_ago, run, messages=[])
        claimed = database.deliveries.claim(TENANT, run.id, long_ago)
        assert claimed
        database.deliveries.record(claimed, AttemptOutcome(200), Settled(DeliveryStatus.DELIVERED), long_ago)
    stack.calls.clear()
    sweep()
    assert [(call.operation, call.parameters["IndexName"]) for call in stack.calls] == [("Query", "by_due")] * 2
    assert database.conversations.due(SystemClock().now(), 100) == []
    assert database.deliveries.due(SystemClock().now(), 100) == []


@pytest.mark.parametrize("seconds_ahead", [-30, 30])
def test_sweeper_whose_clock_differs_rings_early_or_late_and_loses_nothing(
    stack: Stack, database: Database, seconds_ahead: float
) -> None:
    """Early, the ring finds the lease held and changes nothing; late, it comes with the sweep after."""
    now = SystemClock().now()
    store_waiting_conversation(database, now)
    claimed = database.conversations.claim(TENANT, AGENT_ID, "runner-1", now, timedelta(seconds=60))
    assert claimed
    clock = ManualClock(now + timedelta(seconds=60 + seconds_ahead))
    rings = [database.conversations.due(clock.now() + timedelta(minutes=minute), 10) for minute in range(3)]
    assert [len(found) for found in rings][-1] == 1
    assert database.conversations.claim(TENANT, AGENT_ID, "runner-2", now, timedelta(seconds=60)) is None
    later = now + timedelta(seconds=61)
    assert database.conversations.claim(TENANT, AGENT_ID, "runner-2", later, timedelta(seconds=60))


def test_oldest_are_rung_first_when_there_are_too_many(
    stack: Stack, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nightshift.recovery.sweep.MAX_RINGS", 2)
    now = SystemClock().now()
    for minutes in (10, 30, 20):
        store_waiting_conversation(database, now - timedelta(minutes=minutes), f"conv-{minutes}")
    with captured_logs() as lines:
        sweep()
    assert sorted(ring.subject for ring in rings_in(stack, "RunQueue")) == ["conv-20", "conv-30"]
    assert lines[-1]["is_more_left"] is True


@pytest.mark.parametrize(("down", "up"), [("RunQueue", "CallbackQueue"), ("CallbackQueue", "RunQueue")])
def test_queue_that_is_down_does_not_keep_the_other_from_ringing(
    stack: Stack, database: Database, monkeypatch: pytest.MonkeyPatch, down: str, up: str
) -> None:
    missed_at = SystemClock().now() - OVERDUE
    store_waiting_conversation(database, missed_at)
    store_ended_run(database, URL, missed_at)
    client = clients.sqs()
    send = client.send_message_batch

    def send_unless_down(**arguments: Any) -> Any:
        if arguments["QueueUrl"] == stack.values[down]:
            raise EndpointConnectionError(endpoint_url=arguments["QueueUrl"])
        return send(**arguments)

    monkeypatch.setattr(client, "send_message_batch", send_unless_down)
    with captured_logs() as lines:
        sweep()
    assert len(rings_in(stack, up)) == 1
    (failed,) = [line for line in lines if line["level"] == "ERROR"]
    assert (failed["rung"], failed["failed"]) == (0, 1)


def test_table_that_does_not_answer_does_not_keep_the_other_from_being_swept(
    stack: Stack, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_ended_run(database, URL, SystemClock().now() - OVERDUE)
    client = clients.dynamodb()
    query = client.query

    def query_unless_down(**arguments: Any) -> Any:
        if arguments["TableName"] == "ConversationsTable":
            raise ClientError({"Error": {"Code": "InternalServerError", "Message": ""}}, "Query")
        return query(**arguments)

    monkeypatch.setattr(client, "query", query_unless_down)
    with captured_logs() as lines:
        sweep()
    assert [ring.subject for ring in rings_in(stack, "CallbackQueue")] == [RUN_ID]
    assert [line["message"] for line in lines if line["level"] == "ERROR"] == ["overdue doorbells not found"]


def test_bug_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise KeyError("due_at")

    monkeypatch.setattr(Conversations, "due", fail)
    with pytest.raises(KeyError):
        sweep()


def test_log_says_what_was_rung_and_how_late(database: Database) -> None:
    clock = ManualClock()
    store_waiting_conversation(database, clock.now())
    clock.advance(60 + 600)
    sweeper = Sweeper(
        clock,
        database.conversations,
        Doorbell(clients.sqs(), "https://sqs.eu-central-1.amazonaws.com/123456789012/RunQueue"),
        database.deliveries,
        Doorbell(clients.sqs(), "https://sqs.eu-central-1.amazonaws.com/123456789012/CallbackQueue"),
    )
    with captured_logs() as lines:
        sweeper.sweep("sweep-1")
    at_work, line = lines
    assert (at_work["message"], at_work["ConversationsBusy"]) == ("conversations at work", 1)
    wanted = {
        "level": "INFO",
        "message": "overdue doorbells rung",
        "kind": "conversations",
        "rung": 1,
        "failed": 0,
        "is_more_left": False,
        "SweeperFinds": 1,
        "OldestOverdueSeconds": 600,
        "subjects": [AGENT_ID],
        "correlation_id": "sweep-1",
    }
    assert {name: line.get(name) for name in wanted} == wanted


def test_callback_arrives_though_its_stream_record_was_lost(
    stack: Stack, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing hands the delivery over: stream_callbacks is never called.
    with running_receiver() as receiver:
        store_ended_run(database, receiver.url, SystemClock().now() - OVERDUE)
        sweep()
        for name, value in stack.environment("QueueDeliveryFunction", AllowPrivateCallbacks="true").items():
            monkeypatch.setenv(name, value)
        queue_delivery._delivery.cache_clear()
        bodies = [message["Body"] for message in stack.messages("CallbackQueue")]
        event = queue_event(load_event("queue_delivery/due_delivery.json"), bodies)
        assert queue_delivery.lambda_handler(event, FakeLambdaContext()) == {"batchItemFailures": []}
        queue_delivery._delivery.cache_clear()
        assert [request.headers["x-run-id"] for request in receiver.requests] == [RUN_ID]
    delivery = database.deliveries.get(TENANT, RUN_ID)
    assert delivery
    assert delivery.status is DeliveryStatus.DELIVERED
