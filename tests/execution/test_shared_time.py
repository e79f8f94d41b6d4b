"""Shares of an invocation's time: half for each of two slices, and together what went by."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from nightshift.clock import SystemClock
from nightshift.execution.meter import Meter
from nightshift.execution.shared_time import SharedTime
from support.clock import ManualClock
from support.lane import MEMORY_MB


def test_slice_alone_has_all_the_time_and_two_have_half_of_it() -> None:
    clock, shared = ManualClock(), SharedTime()
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(shared.at_work(clock))
        of_first = Meter(clock, MEMORY_MB, shared)
        clock.advance(4)
        second.enter_context(shared.at_work(clock))
        of_second = Meter(clock, MEMORY_MB, shared)
        clock.advance(6)
        of_both = of_first.spent(), of_second.spent()
        first.close()
        clock.advance(5)
        alone_again = of_second.spent()

    assert [spent.runner_ms for spent in of_both] == [10_000, 6_000]
    assert [_shared_ms(spent.x86_64_mb_ms + spent.arm64_mb_ms) for spent in of_both] == [4_000 + 3_000, 3_000]
    assert _shared_ms(alone_again.x86_64_mb_ms + alone_again.arm64_mb_ms) == 3_000 + 5_000


def test_time_without_a_slice_belongs_to_nobody() -> None:
    clock, shared = ManualClock(), SharedTime()
    with shared.at_work(clock):
        clock.advance(1)
    clock.advance(3_600)
    with shared.at_work(clock):
        before = shared.read_ns(clock.monotonic_ns())
        clock.advance(2)
        assert shared.read_ns(clock.monotonic_ns()) - before == 2_000_000_000
    assert before == 1_000_000_000


def test_moment_that_comes_late_takes_no_time_back() -> None:
    clock, shared = ManualClock(), SharedTime()
    with shared.at_work(clock):
        early_ns = clock.monotonic_ns()
        clock.advance(1)
        read = shared.read_ns(clock.monotonic_ns())
        assert shared.read_ns(early_ns) == read
        clock.advance(1)
        assert shared.read_ns(clock.monotonic_ns()) - read == 1_000_000_000


def test_shares_of_many_threads_are_no_more_than_what_went_by() -> None:
    clock, shared = SystemClock(), SharedTime()

    def work(_number: int) -> int:
        with shared.at_work(clock):
            began = shared.read_ns(clock.monotonic_ns())
            for _ in range(200):
                shared.read_ns(clock.monotonic_ns())
            return shared.read_ns(clock.monotonic_ns()) - began

    began_ns = clock.monotonic_ns()
    with ThreadPoolExecutor(8) as pool:
        shares = list(pool.map(work, range(8)))
    assert 0 < sum(shares) <= clock.monotonic_ns() - began_ns


def _shared_ms(mb_ms: int) -> float:
    return mb_ms / MEMORY_MB
