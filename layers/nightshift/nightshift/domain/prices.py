"""What a model's tokens cost, by `prices.json` beside this file: list prices with the date they were read on.

A model that is not in the table has no price; nobody guesses one. Sums of money are whole nano-dollars, a thousandth of
what a token costs at a dollar for a million, so that they add up exactly.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from nightshift.domain.message import Usage

NANO_DOLLARS: Final = 1_000_000_000
"""In a dollar."""

_NANO_DOLLARS_PER_TOKEN: Final = 1_000
"""At a price of one dollar for a million tokens."""


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """Dollars for a million tokens of each kind."""

    input: Decimal
    cached_input: Decimal
    cache_write: Decimal
    output: Decimal

    def nano_dollars(self, usage: Usage) -> int:
        """Return what these tokens cost; cached and written are of the prompt, reasoning of the completion."""
        plain_tokens = usage.prompt_tokens - usage.cached_input_tokens - usage.cache_write_tokens
        dollars_per_million = (
            plain_tokens * self.input
            + usage.cached_input_tokens * self.cached_input
            + usage.cache_write_tokens * self.cache_write
            + usage.completion_tokens * self.output
        )
        return int((dollars_per_million * _NANO_DOLLARS_PER_TOKEN).to_integral_value(ROUND_HALF_EVEN))


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices by model handle, as they were on the day that `version` names."""

    version: str
    prices: Mapping[str, ModelPrice]

    def nano_dollars(self, handle: str, usage: Usage) -> int | None:
        """Return what these tokens cost, None when the model has no price here."""
        price = self.prices.get(handle)
        return None if price is None else price.nano_dollars(usage)


@cache
def stored_prices() -> dict[str, Any]:
    """Return `prices.json`, read once per process."""
    stored: dict[str, Any] = json.loads(Path(__file__).with_name("prices.json").read_text("utf-8"))
    return stored


@cache
def price_table() -> PriceTable:
    """Return the table that is in force."""
    stored = stored_prices()
    providers = stored["providers"]
    prices = {
        f"{provider}/{model}": ModelPrice(**{kind: Decimal(dollars) for kind, dollars in price.items()})
        for provider, declared in providers.items()
        for model, price in providers[declared.get("same_as", provider)]["models"].items()
    }
    return PriceTable(stored["version"], prices)
