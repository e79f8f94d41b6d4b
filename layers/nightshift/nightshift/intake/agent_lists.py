"""Lists of agents, what they have in common, and how many there are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from nightshift.domain import ids
from nightshift.domain.agent import Agent
from nightshift.domain.errors import NotFoundError
from nightshift.intake.agent_view import AgentView, every_agent, views_of
from nightshift.intake.listing import Listing, list_indexed, page_of
from nightshift.intake.show_agent import show_agent
from nightshift.intake.wire.agents import AgentsOfBlockQuery, ListAgentsQuery, ListTagsQuery
from nightshift.storage.database import Database

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AgentLists:
    """The agents of all tenants; every call names its tenant."""

    database: Database

    def list(self, tenant: str, query: ListAgentsQuery) -> Sequence[AgentView]:
        """Return a page of the tenant's agents, by time of creation unless the query names another time."""
        if query.ascending is not None:
            query = query.model_copy(update={"order": "asc" if query.ascending else "desc"})
        if query.order_by == "created_at":
            return list_indexed(_listing(self.database, tenant, query), query)
        wanted = [agent for agent in every_agent(self.database, tenant) if _is_wanted(agent, query)]
        views = [view for view in views_of(self.database, tenant, wanted) if _ended_so(view, query)]
        views.sort(key=lambda view: _time_of(view, query.order_by))
        return page_of(views, query, lambda view: view.agent.id, show_agent)

    def of_block(self, tenant: str, block_id: str, query: AgentsOfBlockQuery) -> Sequence[AgentView]:
        """Return a page of the agents that have the block.

        Raises:
            NotFoundError: this tenant has no such block.
        """
        if self.database.blocks.get(tenant, block_id) is None:
            raise NotFoundError(f"Block with ID {block_id} not found")
        listing = _listing(self.database, tenant, ListAgentsQuery())
        having = replace(listing, is_wanted=lambda view: block_id in view.agent.block_ids)
        return list_indexed(having, query)

    def tags(self, tenant: str, query: ListTagsQuery) -> Sequence[str]:
        """Return a page of the tags that the tenant's agents have, in the order of the alphabet."""
        wanted = (query.query_text or "").lower()
        tags = {tag for agent in every_agent(self.database, tenant) for tag in agent.tags}
        found = sorted(tag for tag in tags if wanted in tag.lower() and query.name in (None, tag))
        return page_of(found, query, lambda tag: tag, lambda tag: tag)

    def count(self, tenant: str) -> int:
        """Return how many agents the tenant has."""
        return sum(1 for _ in self.database.agents.ids(tenant))


def _listing(database: Database, tenant: str, query: ListAgentsQuery) -> Listing[AgentView]:
    agents = database.agents
    is_by_outcome = query.last_stop_reason is not None

    def load(agent_ids: Sequence[str]) -> list[AgentView]:
        wanted = [agent for agent in agents.get_many(tenant, agent_ids) if _is_wanted(agent, query)]
        return views_of(database, tenant, wanted) if is_by_outcome else [AgentView(agent) for agent in wanted]

    return Listing(
        page=lambda forward, limit, start: agents.list_page(tenant, forward=forward, limit=limit, start=start),
        load=lambda entries: load([entry["id"] for entry in entries]),
        is_wanted=lambda view: _ended_so(view, query),
        show=show_agent,
        start_of=lambda agent_id: agents.index_key(_require(database, tenant, agent_id)),
        complete=lambda views: views if is_by_outcome else views_of(database, tenant, [one.agent for one in views]),
    )


def _require(database: Database, tenant: str, agent_id: str) -> Agent:
    agent = database.agents.get(tenant, agent_id) if ids.is_well_formed("agent", agent_id) else None
    if agent is None:
        raise NotFoundError(f"Agent with ID {agent_id} not found")
    return agent


def _time_of(view: AgentView, order_by: str) -> tuple[datetime, str]:
    """Return what agents are sorted by; the id decides between equal times, so that pages don't overlap."""
    moment = view.agent.updated_at if order_by == "updated_at" else view.last_run_at or _NEVER
    return moment, view.agent.id


def _ended_so(view: AgentView, query: ListAgentsQuery) -> bool:
    return query.last_stop_reason is None or view.last_stop_reason == query.last_stop_reason.value


def _is_wanted(agent: Agent, query: ListAgentsQuery) -> bool:
    matches = [tag in agent.tags for tag in query.tags]
    sought = (query.query_text or "").lower()
    named = {name: getattr(query, name) for name in ("project_id", "template_id", "base_template_id")}
    checks = (
        query.name is None or agent.name == query.name,
        sought in agent.name.lower(),
        not matches or (all(matches) if query.match_all_tags else any(matches)),
        all(agent.extra.get(name) == value for name, value in named.items() if value is not None),
        query.identity_id is None and not query.identifier_keys and query.created_by_id is None,
    )
    return all(checks)
