"""The base tools for archival memory: keep a passage, and find passages by their words.

What is kept is written in one transaction with the return, as edits of memory are.
"""

from typing import Any, Final

from nightshift.clock import Clock, to_iso
from nightshift.domain.agent import Agent
from nightshift.domain.passage import DEFAULT_RESULTS, Passage, PassageSearch, new_passage
from nightshift.domain.search_terms import Period
from nightshift.storage.database import Database
from nightshift.storage.dynamo import Write

NAMES: Final = frozenset({"archival_memory_insert", "archival_memory_search"})


class Archive:
    """The archival memory of an agent, with what one answer's calls add to it."""

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
        return self._database.passages.keep(self._agent.tenant, self._agent.id, self._kept)

    def _keep(self, arguments: dict[str, Any]) -> str:
        tags = map(str, arguments.get("tags") or ())
        self._kept.append(new_passage(arguments["content"], tags, self._clock.now(), len(self._kept)))
        return "Kept in archival memory."

    def _search(self, arguments: dict[str, Any]) -> str:
        search = PassageSearch(
            arguments["query"],
            Period.read(arguments.get("start_datetime"), arguments.get("end_datetime"), self._agent.timezone),
            frozenset(map(str, arguments.get("tags") or ())),
            arguments.get("tag_match_mode") == "all",
            arguments.get("top_k") or DEFAULT_RESULTS,
        )
        stored = self._database.passages.newest(self._agent.tenant, self._agent.id)
        return _show(search.best_of([*reversed(self._kept), *stored]))


def _show(passages: list[Passage]) -> str:
    if not passages:
        return "No results."
    lines = []
    for passage in passages:
        tags = f" (tags: {', '.join(passage.tags)})" if passage.tags else ""
        lines.append(f"[{to_iso(passage.created_at)}]{tags} {passage.content}")
    return "\n".join(lines)
