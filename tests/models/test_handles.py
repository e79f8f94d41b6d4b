"""Handles: which texts name a model, and what is said of those that do not."""

import pytest

from nightshift.domain.errors import InvalidRequestError, NotFoundError
from nightshift.models.handles import ModelHandle, parse_handle


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("openai/gpt-4o-mini", ModelHandle("openai", "gpt-4o-mini")),
        ("openai/meta-llama/Llama-3", ModelHandle("openai", "meta-llama/Llama-3")),
        (
            "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0",
            ModelHandle("bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
        ),
    ],
)
def test_handle_is_split_at_its_first_slash(text: str, handle: ModelHandle) -> None:
    assert parse_handle(text) == handle
    assert str(handle) == text


@pytest.mark.parametrize("text", [None, "", "gpt-4o-mini", "/gpt-4o-mini", "openai/", "/"])
def test_text_that_is_no_handle_is_an_invalid_request(text: str | None) -> None:
    with pytest.raises(InvalidRequestError, match="provider/model") as raised:
        parse_handle(text)
    assert raised.value.status == 400


def test_unknown_provider_is_not_found_and_the_known_ones_are_named() -> None:
    with pytest.raises(NotFoundError, match=r"'acme'.*anthropic, bedrock, .*openai, openai-responses") as raised:
        parse_handle("acme/model-1")
    assert raised.value.status == 404
