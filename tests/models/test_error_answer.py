"""What is read from an error answer: the wait it asks for, and words without keys and content."""

from datetime import UTC, datetime

import pytest

from models.builders import assistant, request, returns, user
from nightshift.domain.message import ToolCall, ToolReturn
from nightshift.models.error_answer import MAX_SHOWN_CHARS, retry_after_seconds, shown_text, texts_of

_NOW = datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Fri, 02 Jan 2026 03:05:00 GMT"}, 60),
        ({"retry-after": "Fri, 02 Jan 2026 03:00:00 GMT"}, 0),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_seconds(headers, _NOW) == seconds


def test_words_are_put_on_one_line_and_shortened() -> None:
    shown = shown_text("many\n  words " * 200, ())
    assert shown.startswith("many words many")
    assert len(shown) == MAX_SHOWN_CHARS + 1


def test_lines_of_the_request_are_withheld() -> None:
    asked = request(
        user("my number is 4711 0815\nand another line of mine"),
        assistant(calls=(ToolCall("call_1", "dial", '{"number": "0815"}'),)),
        returns(ToolReturn("call_1", "dial", "nobody answered", "success")),
        system="You are a telephone.",
    )
    quoted = 'bad: and another line of mine | {"number": "0815"} | nobody answered | You are a telephone.'
    assert shown_text(quoted, texts_of(asked)) == "bad: [withheld] | [withheld] | [withheld] | [withheld]"


@pytest.mark.parametrize("quote", ["[type=missing, input_value={'a': 'secret'}]", "{'input': {'a': 'secret'}}"])
def test_input_quoted_by_a_validation_error_is_withheld(quote: str) -> None:
    assert "secret" not in shown_text(f"1 validation error: {quote}", ())
