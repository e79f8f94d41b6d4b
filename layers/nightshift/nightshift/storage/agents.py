"""Agents: one item each, listed by tenant in the order of their creation."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from nightshift.clock import from_iso, to_iso
from nightshift.domain.agent import Agent, Block
from nightshift.storage.dynamo import Delete, Dynamo, Item, Page, Put
from nightshift.storage.keys import scoped, split_scoped
from nightshift.storage.payloads import Payloads


@dataclass(frozen=True, slots=True)
class Agents:
    """The agents table."""

    dynamo: Dynamo
    table: str
    payloads: Payloads

    def create(self, agent: Agent) -> Put:
        """Return the write that makes the agent."""
        return Put(self.table, self._to_item(agent), "attribute_not_exists(#pk)")

    def get(self, tenant: str, agent_id: str) -> Agent | None:
        """Read an agent, consistently."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, agent_id)})
        return self._to_agent(item) if item else None

    def delete(self, tenant: str, agent_id: str) -> Delete:
        """Return the write that removes an agent, if it is there."""
        return Delete(self.table, {"pk": scoped(tenant, agent_id)}, "attribute_exists(#pk)", {})

    def list_page(self, tenant: str, *, forward: bool, limit: int, start: Item | None = None) -> Page:
        """Return index entries (`agent_id` added) of the tenant's agents by time of creation."""
        page = self.dynamo.query(
            self.table,
            "#tenant = :tenant",
            {"tenant": tenant},
            index="by_tenant",
            forward=forward,
            limit=limit,
            start=start,
        )
        return Page([item | {"agent_id": split_scoped(item["pk"])[1]} for item in page.items], page.next_key)

    def index_key(self, agent: Agent) -> Item:
        """Return the place of an agent in the index, to start a page after it."""
        item = self._to_item(agent)
        return {name: item[name] for name in ("pk", "tenant", "created_order")}

    def get_many(self, tenant: str, agent_ids: Sequence[str]) -> list[Agent]:
        """Read these agents in the given order, without those that don't exist."""
        keys = [{"pk": scoped(tenant, agent_id)} for agent_id in agent_ids]
        found = {agent.id: agent for agent in map(self._to_agent, self.dynamo.get_many(self.table, keys))}
        return [found[agent_id] for agent_id in agent_ids if agent_id in found]

    def _to_item(self, agent: Agent) -> Item:
        document: dict[str, Any] = asdict(agent)
        for name in ("id", "tenant", "created_at"):
            document.pop(name)
        document["updated_at"] = to_iso(agent.updated_at)
        return {
            "pk": scoped(agent.tenant, agent.id),
            "tenant": agent.tenant,
            "created_order": f"{to_iso(agent.created_at)}#{agent.id}",
            **self.payloads.pack(agent.tenant, document),
        }

    def _to_agent(self, item: Item) -> Agent:
        tenant, agent_id = split_scoped(item["pk"])
        document = self.payloads.unpack(item)
        document["blocks"] = tuple(Block(**block) for block in document["blocks"])
        document["tags"] = tuple(document["tags"])
        document["updated_at"] = from_iso(document["updated_at"])
        created_at = from_iso(item["created_order"].partition("#")[0])
        return Agent(id=agent_id, tenant=tenant, created_at=created_at, **document)
