"""From a doorbell to the recorded attempt: what is sent, what is kept, when the next attempt is due."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from standardwebhooks import Webhook

from delivery.bench import MASTER, RING, Bench, bench
from nightshift.delivery.signature import derive_secret
from nightshift.domain.callback import MAX_ATTEMPTS, RETRY_DELAYS_SECONDS, DeliveryStatus
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from support.receiver import answer, hang, reset
from support.stored_runs import DELIVERY_ID, RUN_ID, TENANT, ended_run, store_ended_run

__all__ = ["bench"]


def test_due_delivery_is_posted_signed_and_recorded(bench: Bench) -> None:
    bench.store()
    bench.answer()
    (request,) = bench.receiver.requests
    verified = Webhook(derive_secret(MASTER, TENANT)).verify(request.body, request.headers)
    assert verified["run_id"] == RUN_ID
    assert [message["message_type"] for message in verified["metadata"]["result"]["messages"]] == [
        "user_message",
        "assistant_message",
        "tool_call_message",
    ]
    assert request.headers["webhook-id"] == DELIVERY_ID
    assert request.headers["x-run-id"] == RUN_ID
    assert request.headers["x-nightshift-attempt"] == "1"
    delivery = bench.delivery
    assert (delivery.status, delivery.attempt) == (DeliveryStatus.DELIVERED, 1)
    assert (delivery.status_code, delivery.error, delivery.sent_at) == (200, None, bench.clock.now())
    assert bench.due_at is None
    assert bench.rings == []


@pytest.mark.parametrize("status", [200, 201, 204])
def test_success_settles_the_delivery(bench: Bench, status: int) -> None:
    bench.store()
    bench.receiver.behave(answer(status, body=b""))
    bench.answer()
    assert (bench.delivery.status, bench.delivery.status_code) == (DeliveryStatus.DELIVERED, status)


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 410, 422])
def test_answer_that_time_will_not_change_settles_the_delivery_as_failed(bench: Bench, status: int) -> None:
    bench.store()
    bench.receiver.behave(answer(status, {"Location": "http://127.0.0.1/"}))
    bench.answer()
    assert (bench.delivery.status, bench.delivery.status_code) == (DeliveryStatus.FAILED, status)
    assert bench.due_at is None
    assert bench.rings == []


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_answer_that_asks_for_another_attempt_gets_one(bench: Bench, status: int) -> None:
    bench.store()
    bench.receiver.behave(answer(status), answer(200))
    bench.answer()
    assert (bench.delivery.status, bench.delivery.status_code) == (DeliveryStatus.PENDING, status)
    # The doorbell carries the id of the API request from here on.
    assert bench.rings == [("d5e1c7a0-4b32-4f0e-9c55-7a1b2c3d4e5f", 6)]
    bench.clock.advance(6)
    bench.answer()
    assert (bench.delivery.status, bench.delivery.attempt) == (DeliveryStatus.DELIVERED, 2)


def test_broken_connection_is_recorded_and_repeated(bench: Bench) -> None:
    bench.store()
    bench.receiver.behave(reset())
    bench.answer()
    delivery = bench.delivery
    assert (delivery.status, delivery.status_code) == (DeliveryStatus.PENDING, None)
    assert delivery.error == "connection closed without an answer"
    bench.receiver.behave(answer(200))
    bench.clock.advance(6)
    bench.answer()
    # What is recorded is the newest attempt: nothing of the failed one stays.
    assert (bench.delivery.status_code, bench.delivery.error) == (200, None)


def test_timeout_is_recorded_and_repeated(bench: Bench) -> None:
    bench.store()
    bench.receiver.behave(hang())
    hasty = replace(bench.deliverer.sender, timeout_seconds=0.2)
    replace(bench.deliverer, sender=hasty).answer(RING, MASTER)
    assert (bench.delivery.status, bench.delivery.error) == (DeliveryStatus.PENDING, "timed out after 0.2 s")


def test_retries_follow_the_schedule_with_the_same_id_and_bytes_until_the_last_attempt(bench: Bench) -> None:
    bench.store()
    bench.receiver.behave(answer(503))
    for attempt, delay_seconds in enumerate(RETRY_DELAYS_SECONDS, start=1):
        bench.answer()
        assert (bench.delivery.status, bench.delivery.attempt) == (DeliveryStatus.PENDING, attempt)
        bench.clock.advance(delay_seconds - 0.01)
        bench.answer()
        assert bench.delivery.attempt == attempt, "an attempt was made before it was due"
        bench.clock.advance(0.02)
    bench.answer()
    assert (bench.delivery.status, bench.delivery.attempt) == (DeliveryStatus.FAILED, MAX_ATTEMPTS)
    assert bench.due_at is None
    requests = bench.receiver.requests
    assert len(requests) == MAX_ATTEMPTS
    assert [request.headers["x-nightshift-attempt"] for request in requests] == [str(n) for n in range(1, 11)]
    assert {request.headers["webhook-id"] for request in requests} == {DELIVERY_ID}
    assert len({request.body for request in requests}) == 1
    assert len({request.headers["webhook-timestamp"] for request in requests}) == MAX_ATTEMPTS
    # 30 minutes and more are no message's delay: those are the sweeper's.
    assert [delay for _, delay in bench.rings] == [6, 301]


def test_waiting_attempt_is_in_the_due_index(bench: Bench) -> None:
    bench.store()
    bench.receiver.behave(answer(503))
    bench.answer()
    due = int((bench.clock.now() + timedelta(seconds=5)).timestamp())
    assert bench.due_at is not None
    assert due <= bench.due_at <= due + 16


def test_run_that_never_began_has_no_messages(bench: Bench) -> None:
    run = ended_run(
        status=RunStatus.CANCELLED,
        stop_reason=StopReason.CANCELLED,
        first_sequence=None,
        last_sequence=None,
        started_at=None,
        step_count=0,
    )
    store_ended_run(bench.database, bench.receiver.url, bench.clock.now(), run, messages=[])
    bench.answer()
    body = json.loads(bench.receiver.requests[0].body)
    assert body["status"] == "cancelled"
    assert body["metadata"]["result"]["messages"] == []


def test_one_attempt_costs_two_writes_and_two_reads(bench: Bench) -> None:
    bench.store()
    bench.stack.calls.clear()
    bench.answer()
    assert [(call.service, call.operation) for call in bench.stack.calls] == [
        ("dynamodb", "UpdateItem"),
        ("dynamodb", "GetItem"),
        ("dynamodb", "Query"),
        ("dynamodb", "UpdateItem"),
    ]
