"""What can be read from a provider's error answer: how long to wait, and words that may be shown.

The text of an error becomes the run's public `metadata.error` and goes to the logs. Providers quote in it what they
were sent, so that keys and message content are taken out here.
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from nightshift.domain.content import ImagePart, in_words
from nightshift.models.port import ModelRequest

MAX_SHOWN_CHARS = 500
"""Of a provider's own words; enough for every message known, short of a page of HTML."""

MAX_READ_CHARS = 10_000
"""Of a provider's own words; bounds the search for what must be withheld when a whole page comes."""

MIN_WITHHELD_CHARS = 12
"""A shorter line of a message, such as "yes", would blank out innocent words."""

_QUOTED_INPUT = re.compile(r"""["']?\binput(_value)?["']?\s*[:=].*""", re.DOTALL)
"""Where the validation errors of pydantic, which most compatible servers use, begin to quote the request."""


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the wait that `retry-after-ms` or `retry-after` asks for, None when there is none to be understood.

    Args:
        headers: with lower-case names.
        now: aware, for a wait given as a date.
    """
    for name, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        seconds = _number(headers.get(name, "")) / per_second
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return _seconds_until(headers.get("retry-after", ""), now)


def shown_text(message: str, withheld: Iterable[str]) -> str:
    """Return a provider's words on one line, shortened, without what must be withheld and without quoted input."""
    shown = _QUOTED_INPUT.sub("[input withheld]", message[:MAX_READ_CHARS])
    for text in withheld:
        for line in filter(_is_worth_withholding, text.splitlines()):
            shown = shown.replace(line.strip(), "[withheld]")
    shown = " ".join(shown.split())
    return shown if len(shown) <= MAX_SHOWN_CHARS else shown[:MAX_SHOWN_CHARS] + "…"


def texts_of(request: ModelRequest) -> tuple[str, ...]:
    """Return everything in the request that an error text must not repeat."""
    drafts = [message.draft for message in request.messages]
    return (
        request.system,
        *(words for draft in drafts for words in map(in_words, draft.content)),
        *(part.url for draft in drafts for part in draft.content if isinstance(part, ImagePart)),
        *(call.arguments for draft in drafts for call in draft.tool_calls),
        *(given.text for draft in drafts for given in draft.tool_returns),
    )


def _is_worth_withholding(line: str) -> bool:
    return len(line.strip()) >= MIN_WITHHELD_CHARS


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _seconds_until(date: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
