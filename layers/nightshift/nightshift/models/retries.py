"""The retries of every adapter: which failures, how often, how long between, and never past the deadline.

The SDKs' own retries are switched off, because neither can keep the promise that `timeout_seconds` bounds the whole
call: the OpenAI SDK sleeps through a `Retry-After` of two minutes whatever time is left, and botocore fixes attempts
and timeouts per client and does not repeat a 408. One policy here is the same for all providers.
"""

from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential_jitter

from nightshift.clock import Clock
from nightshift.deadline import Deadline, OutOfTimeError, run_within
from nightshift.models.failures import TransientModelCallError, timed_out
from nightshift.models.port import RetryPolicy
from nightshift.telemetry import logger


def call_with_retries[T](
    call: Callable[[float], T],
    *,
    model: str,
    timeout_seconds: float,
    policy: RetryPolicy,
    clock: Clock,
) -> T:
    """Call until an answer comes or waiting for one makes no sense any more.

    Args:
        call: one attempt; is told how many seconds it has, and raises TransientModelCallError to be repeated.
        model: the handle, for errors and logs.
        timeout_seconds: for everything together.

    Raises:
        ModelCallError: what the last attempt raised.
    """
    deadline = Deadline.after(timeout_seconds, clock)

    def attempt() -> T:
        seconds = min(deadline.remaining_seconds(), policy.attempt_timeout_seconds)
        if seconds <= 0:
            raise timed_out(model, timeout_seconds)
        try:
            return run_within(seconds, lambda: call(seconds))
        except OutOfTimeError:
            raise timed_out(model, seconds) from None

    retrying = Retrying(
        retry=retry_if_exception_type(TransientModelCallError),
        stop=lambda state: _is_hopeless(state, deadline, policy),
        wait=_wait_of(policy),
        sleep=clock.sleep,
        before_sleep=lambda state: _log_retry(state, model),
        reraise=True,
    )
    return retrying(attempt)


def _is_hopeless(state: RetryCallState, deadline: Deadline, policy: RetryPolicy) -> bool:
    """Tell whether to give up: no attempts left, or the wait is longer than allowed or than the time left."""
    wait_seconds = state.upcoming_sleep
    return (
        state.attempt_number >= policy.max_attempts
        or wait_seconds > policy.max_wait_seconds
        or wait_seconds >= deadline.remaining_seconds()
    )


def _wait_of(policy: RetryPolicy) -> Callable[[RetryCallState], float]:
    """Return the wait after an attempt: the backoff, or longer if the provider asks for longer."""
    backoff = wait_exponential_jitter(
        multiplier=policy.first_wait_seconds,
        max=policy.max_wait_seconds,
        jitter=policy.first_wait_seconds,
    )

    def wait_seconds(state: RetryCallState) -> float:
        failure = _failure_of(state)
        asked = failure.retry_after_seconds if failure else None
        return max(backoff(state), asked or 0.0)

    return wait_seconds


def _failure_of(state: RetryCallState) -> TransientModelCallError | None:
    failure = state.outcome.exception() if state.outcome else None
    return failure if isinstance(failure, TransientModelCallError) else None


def _log_retry(state: RetryCallState, model: str) -> None:
    failure = _failure_of(state)
    logger.info(
        "model call is repeated",
        model=model,
        attempt=state.attempt_number,
        error_type=failure.error_type if failure else None,
        wait_seconds=round(state.upcoming_sleep, 3),
    )
