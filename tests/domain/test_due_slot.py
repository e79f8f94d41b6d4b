"""Due times are rounded up to slots of 15 seconds, never down: a doorbell is never held to be lost too early."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nightshift.domain.conversation import DUE_SLOT, due_slot_epoch_s

SLOT_SECONDS = 15
moments = st.timedeltas(timedelta(), timedelta(days=36_500)).map(lambda age: datetime(2020, 1, 1, tzinfo=UTC) + age)


@given(moments)
def test_slot_is_the_next_multiple(moment: datetime) -> None:
    due = due_slot_epoch_s(moment)
    assert due % SLOT_SECONDS == 0
    assert 0 <= due - moment.timestamp() < SLOT_SECONDS


@given(moments, st.timedeltas(timedelta(), timedelta(days=30)))
def test_later_moment_is_never_due_earlier(moment: datetime, wait: timedelta) -> None:
    assert due_slot_epoch_s(moment) <= due_slot_epoch_s(moment + wait)


@given(moments)
def test_moment_at_the_start_of_a_slot_stays(moment: datetime) -> None:
    due = due_slot_epoch_s(moment)
    assert due_slot_epoch_s(datetime.fromtimestamp(due, UTC)) == due
    assert due_slot_epoch_s(datetime.fromtimestamp(due, UTC) + timedelta(microseconds=1)) == due + SLOT_SECONDS


def test_moments_within_one_slot_share_it() -> None:
    start = datetime(2026, 11, 25, 9, 0, 0, 1, tzinfo=UTC)
    assert timedelta(seconds=SLOT_SECONDS) == DUE_SLOT
    assert len({due_slot_epoch_s(start + timedelta(seconds=second)) for second in range(SLOT_SECONDS)}) == 1
