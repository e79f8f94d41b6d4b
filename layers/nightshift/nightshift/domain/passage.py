"""Passages: what an agent keeps in its archival memory, and how it is found again.

The search is by text, not by meaning: no embedding is made.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from nightshift.domain import ids
from nightshift.domain.search_terms import Period, score
from nightshift.domain.tool_arguments import ArgumentsError

MAX_SEARCHED_PASSAGES: Final = 1_000
"""Newest passages that a search looks at, so that its cost is bounded."""

MAX_PASSAGE_CHARS: Final = 30_000
"""Of one passage; what is longer is better kept in pieces."""

MAX_TAGS: Final = 50
MAX_TAG_CHARS: Final = 200

DEFAULT_RESULTS: Final = 10
MAX_RESULTS: Final = 100

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Passage:
    """Something to remember.

    Attributes:
        id: holds the moment of keeping, which passages are ordered by.
        created_at: when it is from, by its author.
    """

    id: str
    content: str
    tags: tuple[str, ...]
    created_at: datetime


def new_passage(
    content: str, tags: Iterable[str], now: datetime, place: int = 0, created_at: datetime | None = None
) -> Passage:
    """Make a passage that is kept now; `place` tells apart what is kept in the same moment.

    Raises:
        ArgumentsError: empty, or more than is kept.
    """
    tags = tuple(dict.fromkeys(tags))
    if not content.strip() or len(content) > MAX_PASSAGE_CHARS:
        raise ArgumentsError(f"a passage has 1 to {MAX_PASSAGE_CHARS} characters, found {len(content)}")
    if len(tags) > MAX_TAGS or any(len(tag) > MAX_TAG_CHARS for tag in tags):
        raise ArgumentsError(f"a passage has {MAX_TAGS} tags of {MAX_TAG_CHARS} characters at most")
    elapsed = now - _EPOCH
    moment_us = (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000 + elapsed.microseconds + place
    return Passage(ids.passage_id(moment_us), content, tags, created_at or now)


@dataclass(frozen=True, slots=True)
class PassageSearch:
    """What is looked for.

    Attributes:
        tags: of which a passage has one, or with `needs_all_tags` all; none for any passage.
    """

    query: str
    period: Period
    tags: frozenset[str] = frozenset()
    needs_all_tags: bool = False
    limit: int = DEFAULT_RESULTS

    def best_of(self, passages: Iterable[Passage]) -> list[Passage]:
        """Return those that fit, best first, and of equals in the order in which they come."""
        scored = [(score(self.query, one.content), one) for one in passages if self._admits(one)]
        best = sorted((one for one in scored if one[0] > 0), key=lambda one: -one[0])
        return [passage for _, passage in best[: min(MAX_RESULTS, max(1, self.limit))]]

    def _admits(self, passage: Passage) -> bool:
        if not self.period.holds(passage.created_at):
            return False
        found = self.tags.intersection(passage.tags)
        return found == self.tags if self.needs_all_tags else bool(found) or not self.tags
