"""Doorbells that come twice, attempts that leave no record, services that fail between: at least once."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from delivery.bench import A_LOST_CLAIM_SECONDS, Bench, bench
from nightshift.domain.callback import MAX_ATTEMPTS, AttemptOutcome, DeliveryStatus, Retry, Settled
from nightshift.domain.errors import ConditionFailedError, TransientError
from nightshift.storage.deliveries import Deliveries
from nightshift.storage.doorbells import Doorbell
from nightshift.storage.keys import scoped
from support.aws_tables import client_of
from support.receiver import answer
from support.stored_runs import DELIVERY_ID, RUN_ID, TENANT

__all__ = ["bench"]


def test_second_doorbell_finds_nothing_to_do(bench: Bench) -> None:
    bench.store()
    bench.answer()
    bench.stack.calls.clear()
    bench.answer()
    assert len(bench.receiver.requests) == 1
    assert [call.operation for call in bench.stack.calls] == ["UpdateItem"]


def test_doorbell_of_unknown_run_finds_nothing_to_do(bench: Bench) -> None:
    bench.answer()
    assert bench.receiver.requests == []


def test_two_doorbells_at_once_make_one_post(bench: Bench) -> None:
    bench.store()
    start = threading.Barrier(8)

    def ring() -> None:
        start.wait()
        bench.answer()

    threads = [threading.Thread(target=ring) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bench.receiver.requests) == 1
    assert bench.delivery.attempt == 1


def test_attempt_whose_record_was_lost_is_made_again_with_same_id_and_body(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.store()
    with monkeypatch.context() as patch:
        patch.setattr(Deliveries, "record", _lose_record)
        with pytest.raises(TransientError):
            bench.answer()
    bench.answer()
    assert len(bench.receiver.requests) == 1, "the claim protects the attempt that may still be on its way"
    bench.clock.advance(A_LOST_CLAIM_SECONDS)
    bench.answer()
    first, second = bench.receiver.requests
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == DELIVERY_ID
    assert second.headers["x-nightshift-attempt"] == "2"
    assert bench.delivery.status is DeliveryStatus.DELIVERED


def _lose_record(*_arguments: object) -> None:
    raise TransientError("dynamodb write got no answer: EndpointConnectionError")


def test_attempt_overtaken_by_a_newer_one_leaves_quietly(bench: Bench) -> None:
    bench.store()

    def be_overtaken(_handler: object) -> None:
        bench.clock.advance(A_LOST_CLAIM_SECONDS)
        assert bench.database.deliveries.claim(TENANT, RUN_ID, bench.clock.now())
        answer(503)(_handler)  # type: ignore[arg-type]  # the handler that another behaviour was given

    bench.receiver.behave(be_overtaken)
    bench.answer()
    delivery = bench.delivery
    assert (delivery.attempt, delivery.status_code, delivery.sent_at) == (2, None, None)
    assert bench.rings == []


def test_delivery_that_never_leaves_a_record_is_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.store()
    with monkeypatch.context() as patch:
        patch.setattr(Deliveries, "record", _lose_record)
        for _ in range(MAX_ATTEMPTS):
            with pytest.raises(TransientError):
                bench.answer()
            bench.clock.advance(A_LOST_CLAIM_SECONDS)
    bench.answer()
    assert len(bench.receiver.requests) == MAX_ATTEMPTS
    assert bench.delivery.status is DeliveryStatus.FAILED
    assert bench.due_at is None


def test_delivery_without_its_run_is_given_up(bench: Bench) -> None:
    bench.store()
    key: Any = {"pk": {"S": scoped(TENANT, RUN_ID)}, "sk": {"S": "run"}}
    client_of("dynamodb").delete_item(TableName="RunsTable", Key=key)
    bench.answer()
    assert bench.receiver.requests == []
    assert (bench.delivery.status, bench.delivery.error) == (DeliveryStatus.FAILED, "the run was deleted")


def test_queue_that_does_not_take_the_next_doorbell_changes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        raise TransientError("the queue did not take a message")

    bench.store()
    bench.receiver.behave(answer(503))
    monkeypatch.setattr(Doorbell, "ring", refuse)
    bench.answer()
    assert (bench.delivery.status, bench.delivery.attempt) == (DeliveryStatus.PENDING, 1)
    assert bench.due_at is not None


def test_record_of_an_older_attempt_does_not_overwrite_a_newer_one(bench: Bench) -> None:
    bench.store()
    older = bench.database.deliveries.claim(TENANT, RUN_ID, bench.clock.now())
    assert older
    bench.clock.advance(A_LOST_CLAIM_SECONDS)
    newer = bench.database.deliveries.claim(TENANT, RUN_ID, bench.clock.now())
    assert newer
    outcome, settled = AttemptOutcome(200), Settled(DeliveryStatus.DELIVERED)
    bench.database.deliveries.record(newer, outcome, settled, bench.clock.now())
    with pytest.raises(ConditionFailedError):
        bench.database.deliveries.record(older, AttemptOutcome(500), Retry(timedelta(seconds=5)), bench.clock.now())
    assert bench.delivery.status is DeliveryStatus.DELIVERED
