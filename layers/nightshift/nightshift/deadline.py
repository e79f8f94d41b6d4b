"""A bound by the wall clock for calls that no SDK bounds as a whole.

SDK timeouts count from one byte to the next, and botocore fixes them when a client is made. A server that sends a
byte now and then would hold a run past the end of its slice, and its lease with it. The call therefore runs in a thread
of its own, and whoever waits for it leaves when the time is over.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from dataclasses import dataclass

from nightshift.clock import Clock


class OutOfTimeError(Exception):
    """The function was still at work when its time was over; what it does from there on is lost."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock."""

    clock: Clock
    ends_at_ns: int

    @classmethod
    def after(cls, seconds: float, clock: Clock) -> "Deadline":
        return cls(clock, clock.monotonic_ns() + round(seconds * 1e9))

    def remaining_seconds(self) -> float:
        """Return the time left, 0 once it is over."""
        return max(0.0, (self.ends_at_ns - self.clock.monotonic_ns()) / 1e9)


def run_within[T](seconds: float, function: Callable[[], T]) -> T:
    """Return what `function` returns or raise what it raises, if it does so within `seconds`.

    Raises:
        OutOfTimeError: the time is over. The function goes on in its daemon thread until its own timeout ends it.
    """
    outcome: Future[T] = Future()
    context = copy_context()

    def work() -> None:
        try:
            outcome.set_result(context.run(function))
        except BaseException as error:  # noqa: BLE001 -- whatever it is, it is raised in the thread that waits
            outcome.set_exception(error)

    threading.Thread(target=work, name="bounded-call", daemon=True).start()
    if not wait([outcome], timeout=seconds).done:
        raise OutOfTimeError
    return outcome.result()
