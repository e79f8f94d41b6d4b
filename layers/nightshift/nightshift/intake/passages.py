"""Keeps, lists, finds and deletes the passages of agents' archival memory, as their tools do (letta_api_spec §5.3)."""

from collections.abc import Sequence
from dataclasses import dataclass

from nightshift.clock import Clock, to_iso
from nightshift.domain import ids
from nightshift.domain.agent import Agent
from nightshift.domain.display import Json
from nightshift.domain.errors import InvalidRequestError, NotFoundError
from nightshift.domain.passage import Passage, PassageSearch, new_passage
from nightshift.domain.search_terms import Period
from nightshift.domain.time_zone import zone_of
from nightshift.domain.tool_arguments import ArgumentsError
from nightshift.intake.agents import AgentRegistry
from nightshift.intake.changes import until_unchanged
from nightshift.intake.listing import Listing, list_indexed
from nightshift.intake.wire.passages import CreatePassage, ListPassagesQuery, SearchPassagesQuery
from nightshift.storage.database import Database
from nightshift.storage.dynamo import Item, Page


@dataclass(frozen=True, slots=True)
class Archives:
    """The archival memories of all agents."""

    database: Database
    agents: AgentRegistry
    clock: Clock

    def keep(self, tenant: str, agent_id: str, body: CreatePassage) -> Passage:
        """Keep a passage; the system message of the agent's default conversation then counts it.

        Raises:
            InvalidRequestError: empty, or more than is kept.
            NotFoundError: no such agent.
        """

        def attempt() -> Passage:
            self.agents.get(tenant, agent_id)
            passage = new_passage(body.text, body.tags or (), self.clock.now(), created_at=body.created_at)
            is_there = self.database.conversations.require(tenant, agent_id)
            self.database.transact([is_there, *self.database.passages.keep(tenant, agent_id, [passage])])
            return passage

        try:
            passage = until_unchanged(self.clock, attempt)
        except ArgumentsError as error:
            raise InvalidRequestError(str(error)) from error
        self.agents.recompile(tenant, agent_id, is_dry_run=False)
        return passage

    def list(self, tenant: str, agent_id: str, query: ListPassagesQuery) -> Sequence[Passage]:
        """Return a page in the order of keeping; `search` is text that a passage holds.

        Raises:
            NotFoundError: no such agent, or the cursor is no passage's id.
        """
        self.agents.get(tenant, agent_id)
        passages, wanted = self.database.passages, (query.search or "").lower()

        def page(forward: bool, limit: int, start: Item | None) -> Page:
            return passages.page(tenant, agent_id, forward, limit, start)

        def start_of(cursor: str) -> Item:
            return passages.start_of(tenant, agent_id, _require_id(cursor))

        listing = Listing(
            page=page,
            load=lambda items: [passages.to_passage(item) for item in items],
            is_wanted=lambda passage: wanted in passage.content.lower(),
            show=show_passage,
            start_of=start_of,
        )
        return list_indexed(listing, query.model_copy(update={"order": "asc" if query.ascending else "desc"}))

    def search(self, tenant: str, agent_id: str, query: SearchPassagesQuery) -> tuple[Agent, Sequence[Passage]]:
        """Return the agent and what its tool would find, best first.

        Raises:
            InvalidRequestError: a text is no date.
            NotFoundError: no such agent.
        """
        agent = self.agents.get(tenant, agent_id)
        try:
            period = Period.read(query.start_datetime, query.end_datetime, agent.timezone)
        except ArgumentsError as error:
            raise InvalidRequestError(str(error)) from error
        needs_all = query.tag_match_mode == "all"
        search = PassageSearch(query.query, period, frozenset(query.tags), needs_all, query.top_k)
        return agent, search.best_of(self.database.passages.newest(tenant, agent_id))

    def delete(self, tenant: str, agent_id: str, passage_id: str) -> None:
        """Delete a passage.

        Raises:
            NotFoundError: no such agent, or it has no such passage.
        """
        self.agents.get(tenant, agent_id)
        if not self.database.passages.delete(tenant, agent_id, _require_id(passage_id)):
            raise NotFoundError(f"Passage not found: {passage_id}")


def show_passage(passage: Passage) -> Json:
    """Show a passage; it has no embedding, since it is found by its words."""
    return {
        "id": passage.id,
        "text": passage.content,
        "tags": list(passage.tags),
        "created_at": to_iso(passage.created_at),
        "metadata": {},
        "embedding": None,
        "embedding_config": None,
        "is_deleted": False,
    }


def show_found(agent: Agent, passages: Sequence[Passage]) -> Json:
    """Show what a search found, with times in the agent's zone."""
    zone = zone_of(agent.timezone)
    results = [
        {
            "id": passage.id,
            "timestamp": passage.created_at.astimezone(zone).isoformat(timespec="seconds"),
            "content": passage.content,
            "tags": list(passage.tags),
        }
        for passage in passages
    ]
    return {"results": results, "count": len(results)}


def _require_id(passage_id: str) -> str:
    if not ids.is_well_formed("passage", passage_id):
        raise NotFoundError(f"Passage not found: {passage_id}")
    return passage_id
