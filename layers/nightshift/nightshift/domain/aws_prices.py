"""What a run's share of AWS costs, by the versions of `prices.json`: a region's list prices on the day they were read.

A newer version is added behind the others, so that what ran before it keeps its price. Sums are exact decimals.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

from nightshift.domain.prices import stored_prices
from nightshift.domain.run import Spent

MB_MS_PER_GB_SECOND: Final = 1024 * 1000
"""Lambda's gigabyte has 1,024 of the megabytes that a function's memory is given in (AWS Lambda pricing, examples)."""

_HALVES: Final = 2


@dataclass(frozen=True, slots=True)
class AwsBill:
    """Dollars for what was taken of each service, without the free tier."""

    compute: Decimal
    dynamodb: Decimal
    step_functions: Decimal

    @property
    def total(self) -> Decimal:
        return self.compute + self.dynamodb + self.step_functions


@dataclass(frozen=True, slots=True)
class AwsPrices:
    """Dollars for one of each unit, from the day that `version` names to that of the next version."""

    version: str
    region: str
    x86_64_gb_second: Decimal
    arm64_gb_second: Decimal
    lambda_request: Decimal
    write_unit: Decimal
    read_unit: Decimal
    transition: Decimal

    def bill(self, spent: Spent) -> AwsBill:
        """Return what this costs."""
        memory = spent.x86_64_mb_ms * self.x86_64_gb_second + spent.arm64_mb_ms * self.arm64_gb_second
        return AwsBill(
            compute=memory / MB_MS_PER_GB_SECOND + spent.slices * self.lambda_request,
            dynamodb=spent.write_units * self.write_unit + spent.half_read_units * self.read_unit / _HALVES,
            step_functions=spent.transitions * self.transition,
        )


def aws_prices(day: date) -> AwsPrices:
    """Return the prices that were in force on a day; before the first version, that one's."""
    versions = _versions()
    return next((known for known in reversed(versions) if known.version <= day.isoformat()), versions[0])


@cache
def _versions() -> tuple[AwsPrices, ...]:
    """Return all versions, oldest first."""
    return tuple(
        AwsPrices(
            known["version"], known["region"], **{unit: Decimal(price) for unit, price in known["prices"].items()}
        )
        for known in stored_prices()["aws"]
    )
