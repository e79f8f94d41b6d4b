"""The bound by the wall clock."""

import threading
import time
from contextvars import ContextVar

import pytest

from nightshift.deadline import OutOfTimeError, run_within


def test_result_is_returned() -> None:
    assert run_within(5, lambda: 42) == 42


def test_error_is_raised_where_the_result_is_awaited() -> None:
    with pytest.raises(ZeroDivisionError):
        run_within(5, lambda: 1 // 0)


def test_function_that_takes_too_long_is_left_behind() -> None:
    release = threading.Event()
    started = time.monotonic()
    with pytest.raises(OutOfTimeError):
        run_within(0.05, lambda: release.wait(30))
    assert time.monotonic() - started < 5
    release.set()


def test_timeout_of_the_function_itself_is_told_apart() -> None:
    def give_up() -> None:
        raise TimeoutError("from a socket")

    with pytest.raises(TimeoutError, match="from a socket"):
        run_within(5, give_up)


def test_context_of_the_caller_is_seen() -> None:
    run_id: ContextVar[str] = ContextVar("run_id")
    run_id.set("run-1")
    assert run_within(5, run_id.get) == "run-1"
