"""How what an agent said and kept is searched: by words, and within a period in the agent's time zone."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from typing import Final, Self

from nightshift.domain.time_zone import zone_of
from nightshift.domain.tool_arguments import ArgumentsError

_WORD: Final = re.compile(r"\w+")
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class Period:
    """A span of time, both ends included; None where it is open."""

    start: datetime | None
    end: datetime | None

    @classmethod
    def read(cls, start: str | None, end: str | None, zone_name: str) -> Self:
        """Read ISO 8601 or YYYY-MM-DD, in the zone unless the text names one; a date as the end counts to its end.

        Raises:
            ArgumentsError: a text is no date.
        """
        zone = zone_of(zone_name)
        until = _moment(end, zone)
        if until is not None and end is not None and _DATE.fullmatch(end.strip()):
            until = datetime.combine(until.date(), time(), zone) + timedelta(days=1, microseconds=-1)
        return cls(_moment(start, zone), until)

    def holds(self, moment: datetime) -> bool:
        """Tell whether the moment lies within."""
        return (self.start is None or moment >= self.start) and (self.end is None or moment <= self.end)


def score(query: str, text: str) -> float:
    """Return how well the text fits the query: 0 not at all, the share of its words that occur, more as a phrase."""
    wanted, found = query.strip().lower(), text.lower()
    words = set(_WORD.findall(wanted))
    if not words:
        return 1.0 if wanted in found else 0.0
    occurring = sum(word in found for word in words)
    return occurring / len(words) + (1.0 if wanted in found else 0.0)


def _moment(text: str | None, zone: tzinfo) -> datetime | None:
    if text is None or not text.strip():
        return None
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ArgumentsError(f"expected a date as ISO 8601 or YYYY-MM-DD, found {text[:100]!r}") from error
    return found if found.tzinfo else found.replace(tzinfo=zone)
