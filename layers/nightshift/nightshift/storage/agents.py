"""Agents: one item each, listed by tenant in the order of their creation."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nightshift.domain.agent import Agent
from nightshift.domain.tool_rule import json_to_rule, rule_to_json
from nightshift.storage import listed
from nightshift.storage.dynamo import Delete, Dynamo, Item, Page, Put
from nightshift.storage.keys import scoped
from nightshift.storage.payloads import Payloads


@dataclass(frozen=True, slots=True)
class Agents:
    """The agents of the agents table."""

    dynamo: Dynamo
    table: str
    payloads: Payloads

    def create(self, agent: Agent) -> Put:
        """Return the write that makes the agent."""
        return Put(self.table, self._to_item(agent, agent.version), listed.IS_NEW)

    def replace(self, agent: Agent) -> Put:
        """Return the write that stores a changed agent if nobody changed it since this version was read."""
        item = self._to_item(agent, agent.version + 1)
        return Put(self.table, item, listed.IS_UNCHANGED, {"version": agent.version})

    def get(self, tenant: str, agent_id: str) -> Agent | None:
        """Read an agent, consistently."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, agent_id)})
        return self._to_agent(item) if item else None

    def delete(self, tenant: str, agent_id: str) -> Delete:
        """Return the write that removes an agent, if it is there."""
        return Delete(self.table, {"pk": scoped(tenant, agent_id)}, listed.EXISTS, {})

    def list_page(self, tenant: str, *, forward: bool, limit: int, start: Item | None = None) -> Page:
        """Return index entries (`id` added) of the tenant's agents by time of creation."""
        page = self.dynamo.query(
            self.table,
            "#listing = :listing",
            {"listing": listed.listing_of(tenant, "agent")},
            index="by_listing",
            forward=forward,
            limit=limit,
            start=start,
        )
        return listed.with_ids(page)

    def index_key(self, agent: Agent) -> Item:
        """Return the place of an agent in the index, to start a page after it."""
        return listed.place_of(agent, "agent")

    def get_many(self, tenant: str, agent_ids: Sequence[str]) -> list[Agent]:
        """Read these agents in the given order, without those that don't exist."""
        items = self.dynamo.get_many(self.table, listed.keys_of(tenant, agent_ids), consistent=True)
        return listed.in_order(agent_ids, [self._to_agent(item) for item in items])

    def _to_item(self, agent: Agent, version: int) -> Item:
        rules = [rule_to_json(rule) for rule in agent.tool_rules]
        document = listed.to_document(asdict(agent)) | {"tool_rules": rules}
        return self.payloads.pack("agents", listed.attributes_of(agent, "agent", version), document)

    def _to_agent(self, item: Item) -> Agent:
        document: dict[str, Any] = self.payloads.unpack(item)
        rules = tuple(json_to_rule(rule) for rule in document["tool_rules"])
        return Agent(**listed.from_document(item, document) | {"tool_rules": rules})
