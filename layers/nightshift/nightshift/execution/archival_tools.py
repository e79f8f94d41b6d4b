"""The base tools for long-term memory: keep a passage, and find passages by their words.

The search is by text, not by meaning, among the newest passages: no embedding is made, and the cost is bounded. What
is kept is written in one transaction with the return, as edits of memory are.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any, Final

from nightshift.clock import Clock, to_iso
from nightshift.domain.agent import Agent
from nightshift.domain.tool_arguments import ArgumentsError
from nightshift.execution.search_terms import Period, score
from nightshift.storage.database import Database
from nightshift.storage.dynamo import Write
from nightshift.storage.passages import Passage

NAMES: Final = frozenset({"archival_memory_insert", "archival_memory_search"})

MAX_SEARCHED_PASSAGES: Final = 1_000
"""Newest passages that a search looks at."""

MAX_PASSAGE_CHARS: Final = 30_000
"""Of one passage; what is longer is better kept in pieces."""

MAX_TAGS: Final = 50

DEFAULT_RESULTS: Final = 10
MAX_RESULTS: Final = 100


class Archive:
    """The long-term memory of an agent, with what one answer's calls add to it."""

    def __init__(self, database: Database, agent: Agent, clock: Clock) -> None:
        self._database = database
        self._agent = agent
        self._clock = clock
        self._kept: list[Passage] = []

    def run(self, name: str, arguments: dict[str, Any]) -> str:
        """Keep or search.

        Raises:
            ArgumentsError: the arguments can't be used; nothing has changed.
        """
        return self._keep(arguments) if name == "archival_memory_insert" else self._search(arguments)

    def writes(self) -> list[Write]:
        """Return the writes that store what was kept."""
        passages, agent = self._database.passages, self._agent
        return [passages.keep(agent.tenant, agent.id, one, place) for place, one in enumerate(self._kept)]

    def _keep(self, arguments: dict[str, Any]) -> str:
        content, tags = arguments["content"], tuple(map(str, arguments.get("tags") or ()))
        if not content.strip() or len(content) > MAX_PASSAGE_CHARS:
            raise ArgumentsError(f"content has 1 to {MAX_PASSAGE_CHARS} characters, found {len(content)}")
        if len(tags) > MAX_TAGS or any(len(tag) > 200 for tag in tags):
            raise ArgumentsError(f"a passage has {MAX_TAGS} tags of 200 characters at most")
        self._kept.append(Passage(content, tags, self._clock.now()))
        return "Kept in archival memory."

    def _search(self, arguments: dict[str, Any]) -> str:
        period = Period.read(arguments.get("start_datetime"), arguments.get("end_datetime"), self._agent.timezone)
        tags, needs_all = set(arguments.get("tags") or ()), arguments.get("tag_match_mode") == "all"
        found = [
            (score(arguments["query"], passage.content), passage)
            for passage in self._newest()
            if period.holds(passage.kept_at) and _has_tags(passage, tags, needs_all=needs_all)
        ]
        best = sorted((one for one in found if one[0] > 0), key=lambda one: -one[0])
        limit = min(MAX_RESULTS, max(1, arguments.get("top_k") or DEFAULT_RESULTS))
        return _show([passage for _, passage in best[:limit]])

    def _newest(self) -> Iterable[Passage]:
        stored = self._database.passages.newest(self._agent.tenant, self._agent.id)
        return [*reversed(self._kept), *islice(stored, MAX_SEARCHED_PASSAGES)]


def _has_tags(passage: Passage, tags: set[str], *, needs_all: bool) -> bool:
    if not tags:
        return True
    return tags <= set(passage.tags) if needs_all else bool(tags.intersection(passage.tags))


def _show(passages: list[Passage]) -> str:
    if not passages:
        return "No results."
    lines = []
    for passage in passages:
        tags = f" (tags: {', '.join(passage.tags)})" if passage.tags else ""
        lines.append(f"[{to_iso(passage.kept_at)}]{tags} {passage.content}")
    return "\n".join(lines)
