"""What follows an attempt: delivered, given up, or another one after a growing delay."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.domain.callback import (
    MAX_ATTEMPTS,
    RETRY_DELAYS_SECONDS,
    AttemptOutcome,
    DeliveryStatus,
    Retry,
    Settled,
    decide_after,
)

DELIVERED, FAILED = Settled(DeliveryStatus.DELIVERED), Settled(DeliveryStatus.FAILED)
NO_ANSWER = AttemptOutcome(None, "connection refused")

attempts = st.integers(1, MAX_ATTEMPTS)


@given(attempts, st.integers(200, 299))
def test_success_settles_the_delivery_at_any_attempt(attempt: int, status_code: int) -> None:
    assert decide_after(attempt, AttemptOutcome(status_code)) == DELIVERED


@given(attempts, st.integers(100, 499).filter(lambda code: not 200 <= code <= 299 and code not in {408, 429}))
def test_answer_that_repeating_would_not_change_is_final(attempt: int, status_code: int) -> None:
    assert decide_after(attempt, AttemptOutcome(status_code)) == FAILED


@pytest.mark.parametrize(
    "outcome", [NO_ANSWER, *(AttemptOutcome(code) for code in (408, 429, 500, 502, 503, 504, 599))], ids=str
)
def test_fault_that_may_pass_is_tried_again_on_the_schedule(outcome: AttemptOutcome) -> None:
    followed = [decide_after(attempt, outcome) for attempt in range(1, MAX_ATTEMPTS + 1)]
    seconds = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
    assert followed == [*(Retry(timedelta(seconds=delay)) for delay in seconds), FAILED]


def test_schedule_grows_and_ends_within_four_days() -> None:
    assert list(RETRY_DELAYS_SECONDS) == sorted(set(RETRY_DELAYS_SECONDS))
    assert timedelta(days=3) < timedelta(seconds=sum(RETRY_DELAYS_SECONDS)) < timedelta(days=4)


@given(st.integers(MAX_ATTEMPTS, 1_000_000))
def test_no_attempt_follows_the_last_one(attempt: int) -> None:
    assert decide_after(attempt, NO_ANSWER) == FAILED
