"""The retry loop by itself, with a clock that only sleeping moves."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from nightshift.domain.errors import ModelCallError
from nightshift.models.failures import ErrorAnswer, TransientModelCallError, from_error_answer
from nightshift.models.port import RetryPolicy
from nightshift.models.retries import call_with_retries


class SleptClock:
    """Stands still until somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=sum(self.slept))

    def monotonic_ns(self) -> int:
        return round(sum(self.slept) * 1e9)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def _failing(times: int, status: int = 503, retry_after: float | None = None) -> Callable[[float], str]:
    """Return a call that fails this often before it answers with the seconds that it was given."""
    failures = iter(range(times))

    def call(seconds: float) -> str:
        if next(failures, None) is None:
            return f"{seconds:.0f}"
        raise from_error_answer("openai/m", ErrorAnswer(status, "busy", retry_after_seconds=retry_after))

    return call


def _run(call: Callable[[float], str], clock: SleptClock, policy: RetryPolicy, timeout_seconds: float = 100) -> str:
    return call_with_retries(call, model="openai/m", timeout_seconds=timeout_seconds, policy=policy, clock=clock)


def test_waits_double_with_jitter() -> None:
    clock = SleptClock()
    assert _run(_failing(3), clock, RetryPolicy(max_attempts=4, first_wait_seconds=1, max_wait_seconds=20))
    bounds = [(1, 2), (2, 3), (4, 5)]
    assert all(low <= slept <= high for slept, (low, high) in zip(clock.slept, bounds, strict=True))


def test_provider_may_ask_for_a_longer_wait() -> None:
    clock = SleptClock()
    assert _run(_failing(1, 429, retry_after=7), clock, RetryPolicy(first_wait_seconds=0.1))
    assert clock.slept == [7]


def test_wait_longer_than_allowed_is_not_slept_through_and_is_on_the_error() -> None:
    clock = SleptClock()
    with pytest.raises(ModelCallError) as raised:
        _run(_failing(1, 429, retry_after=90), clock, RetryPolicy(max_wait_seconds=20))
    assert clock.slept == []
    assert raised.value.retry_after_seconds == 90


def test_wait_past_the_deadline_is_not_begun() -> None:
    clock = SleptClock()
    with pytest.raises(ModelCallError):
        _run(_failing(9), clock, RetryPolicy(max_attempts=9, first_wait_seconds=1), timeout_seconds=6)
    assert sum(clock.slept) < 6


def test_attempt_gets_the_time_that_is_left() -> None:
    clock = SleptClock()
    assert _run(_failing(1, retry_after=10), clock, RetryPolicy(), timeout_seconds=25) == "15"


def test_attempt_gets_no_more_than_its_own_limit() -> None:
    assert _run(_failing(0), SleptClock(), RetryPolicy(attempt_timeout_seconds=3)) == "3"


def test_last_failure_is_raised_when_the_attempts_are_used_up() -> None:
    clock = SleptClock()
    with pytest.raises(TransientModelCallError, match="openai/m answered 503: busy"):
        _run(_failing(9), clock, RetryPolicy(max_attempts=3))
    assert len(clock.slept) == 2


def test_failure_that_will_not_mend_is_not_repeated() -> None:
    clock = SleptClock()
    with pytest.raises(ModelCallError):
        _run(_failing(1, 400), clock, RetryPolicy())
    assert clock.slept == []


def test_nothing_is_sent_when_no_time_is_left() -> None:
    with pytest.raises(ModelCallError, match="did not answer within"):
        _run(lambda _: pytest.fail("was called"), SleptClock(), RetryPolicy(), timeout_seconds=0)
