"""The price table: exact sums, no guesses, and a price for every model that clients are offered."""

import json
from datetime import date
from pathlib import Path

import pytest

import nightshift.domain.prices
from nightshift.domain.message import Usage
from nightshift.domain.prices import NANO_DOLLARS, price_table
from nightshift.models.catalogue import known_models

STORED = json.loads(Path(nightshift.domain.prices.__file__).with_name("prices.json").read_text("utf-8"))


def test_million_tokens_cost_the_listed_dollars() -> None:
    table = price_table()
    million = 1_000_000
    assert table.nano_dollars("openai/gpt-4o-mini", Usage(prompt_tokens=million)) == 150_000_000
    assert table.nano_dollars("openai/gpt-4o-mini", Usage(completion_tokens=million)) == 600_000_000
    assert table.nano_dollars("anthropic/claude-opus-4-6", Usage(completion_tokens=million)) == 25 * NANO_DOLLARS


def test_cached_and_written_tokens_are_part_of_the_prompt_and_priced_apart() -> None:
    usage = Usage(prompt_tokens=1_000, completion_tokens=10, cached_input_tokens=600, cache_write_tokens=300)
    # 100 plain at 1, 600 cached at 0.10, 300 written at 1.25, 10 answered at 5 dollars for a million
    assert price_table().nano_dollars("anthropic/claude-haiku-4-5", usage) == 100_000 + 60_000 + 375_000 + 50_000


def test_reasoning_tokens_are_not_paid_twice() -> None:
    table, answered = price_table(), Usage(completion_tokens=100)
    thought = Usage(completion_tokens=100, reasoning_tokens=80)
    assert table.nano_dollars("openai/o3", thought) == table.nano_dollars("openai/o3", answered) == 800_000


def test_sums_of_steps_equal_the_sum_of_tokens() -> None:
    table, step = price_table(), Usage(prompt_tokens=7, completion_tokens=3, cached_input_tokens=2)
    alone = table.nano_dollars("bedrock/amazon.nova-pro-v1:0", step)
    together = table.nano_dollars("bedrock/amazon.nova-pro-v1:0", step + step + step)
    assert alone is not None
    assert together == 3 * alone


@pytest.mark.parametrize("handle", ["openai/gpt-4o-mini-2", "gpt-4o-mini", "vllm/gpt-4o-mini", "ollama/llama3.2", ""])
def test_model_that_is_not_listed_has_no_price(handle: str) -> None:
    assert price_table().nano_dollars(handle, Usage(prompt_tokens=1)) is None


def test_every_model_in_the_catalogue_has_a_price() -> None:
    assert {model.handle for model in known_models()} <= price_table().prices.keys()


def test_table_tells_its_date_and_sources() -> None:
    assert date.fromisoformat(STORED["version"]) <= date.today()  # noqa: DTZ011 -- a day is all that a version is
    own = [provider for provider in STORED["providers"].values() if "same_as" not in provider]
    assert all(provider["source"].startswith("https://") for provider in own)


def test_cached_input_is_never_dearer_than_input() -> None:
    assert all(price.cached_input <= price.input < price.output for price in price_table().prices.values())
