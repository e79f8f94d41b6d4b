"""AWS's prices: exact for what was counted, and each day's own."""

import json
from datetime import date
from decimal import Decimal

import pytest

from nightshift.domain import aws_prices as module
from nightshift.domain.aws_prices import MB_MS_PER_GB_SECOND, aws_prices
from nightshift.domain.prices import stored_prices
from nightshift.domain.run import Spent

TODAY = date(2026, 12, 1)


@pytest.mark.parametrize(
    ("spent", "dollars"),
    [
        (Spent(x86_64_mb_ms=MB_MS_PER_GB_SECOND), "0.0000166667"),
        (Spent(arm64_mb_ms=MB_MS_PER_GB_SECOND), "0.0000133334"),
        (Spent(slices=1_000_000), "0.20"),
        (Spent(write_units=1_000_000), "0.625"),
        (Spent(half_read_units=1), "0.0000000625"),
        (Spent(transitions=1_000), "0.025"),
    ],
)
def test_each_unit_costs_its_listed_dollars(spent: Spent, dollars: str) -> None:
    assert aws_prices(TODAY).bill(spent).total == Decimal(dollars)


def test_bill_of_a_sum_is_the_sum_of_bills() -> None:
    prices, one = aws_prices(TODAY), Spent(1, 333, 333 * 1_024, 7 * 512, 29, 15, 3)
    assert prices.bill(one + one + one).total == 3 * prices.bill(one).total


def test_memory_of_a_function_makes_its_time_dearer() -> None:
    prices = aws_prices(TODAY)
    half, whole = (prices.bill(Spent(x86_64_mb_ms=memory_mb * 5_300)).compute for memory_mb in (512, 1_024))
    assert 2 * half == whole == Decimal("5.3") * Decimal("0.0000166667")


def test_day_has_the_prices_of_the_newest_version_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    (known,) = stored_prices()["aws"]
    newer = json.loads(json.dumps(known)) | {"version": "2027-02-01"}
    monkeypatch.setattr(module, "stored_prices", lambda: {"aws": [known, newer]})
    module._versions.cache_clear()
    days = ("2026-01-01", known["version"], "2027-01-31", "2027-02-01", "2028-01-01")
    found = [aws_prices(date.fromisoformat(day)).version for day in days]
    module._versions.cache_clear()
    assert found == [known["version"]] * 3 + ["2027-02-01"] * 2


def test_versions_are_in_order_and_tell_sources() -> None:
    versions = [known["version"] for known in stored_prices()["aws"]]
    assert versions == sorted(versions)
    for known in stored_prices()["aws"]:
        assert date.fromisoformat(known["version"]) <= date.today()  # noqa: DTZ011 -- a day is all that a version is
        assert all(source.startswith("https://aws.amazon.com/") for source in known["sources"])


@pytest.mark.parametrize(
    ("spent", "is_counted"),
    [
        (Spent(), False),
        (Spent(write_units=9), True),
        (Spent(slices=1, runner_ms=5, write_units=29), False),
        (Spent(slices=1, runner_ms=5, arm64_mb_ms=5 * 1_024, write_units=29), True),
    ],
    ids=["nothing counted", "accepted", "before memory was counted", "executed"],
)
def test_what_an_older_version_did_not_count_is_known(spent: Spent, is_counted: bool) -> None:
    assert spent.is_counted is is_counted
