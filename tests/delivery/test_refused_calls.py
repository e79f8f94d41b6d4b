"""Each AWS call of a callback's attempt is refused once: it is announced all the same, under one id, and recorded."""

from contextlib import suppress

import pytest

from crash.refusal import Refusal
from delivery.bench import A_LOST_CLAIM_SECONDS, Bench, bench
from nightshift.domain.callback import DeliveryStatus
from nightshift.domain.errors import TransientError

__all__ = ["bench"]

CALLS = 4
"""The claim, the run, its messages, the record."""


@pytest.mark.parametrize("number", range(1, CALLS + 1))
def test_callback_is_announced_whichever_call_is_refused(
    bench: Bench, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = bench.store()
    refusal = Refusal(number)
    with monkeypatch.context() as patch:
        refusal.begin(patch)
        with suppress(TransientError):
            bench.answer()
    assert len(refusal.made) >= number
    bench.clock.advance(A_LOST_CLAIM_SECONDS)
    bench.answer()

    assert bench.delivery.status is DeliveryStatus.DELIVERED
    assert bench.due_at is None
    sent = {(request.headers["webhook-id"], request.body) for request in bench.receiver.requests}
    assert [webhook_id for webhook_id, _ in sent] == [delivery.id]


def test_attempt_makes_no_other_calls(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.store()
    calls = Refusal()
    with monkeypatch.context() as patch:
        calls.begin(patch)
        bench.answer()
    assert calls.made == ["UpdateItem", "GetItem", "Query", "UpdateItem"]
