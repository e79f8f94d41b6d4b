"""Agents with what the API shows beside them: blocks, tools, how their newest run ended, what waits for an answer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

from nightshift.domain.agent import Agent
from nightshift.domain.block import Block
from nightshift.domain.conversation import Conversation
from nightshift.domain.ids import sequence_of_message
from nightshift.domain.message import Message
from nightshift.domain.tool import Tool
from nightshift.storage.database import Database
from nightshift.tools.base import BaseTools

SCAN_PAGE = 100
"""Agents that are read at a time; what one BatchGetItem can load."""


@dataclass(frozen=True, slots=True)
class AgentView:
    """An agent with its blocks and tools, those that still exist, and the outcome of its default conversation."""

    agent: Agent
    blocks: tuple[Block, ...] = ()
    tools: tuple[Tool, ...] = ()
    last_stop_reason: str | None = None
    last_run_at: datetime | None = None
    pending_approval: Message | None = None


def view_of(database: Database, agent: Agent) -> AgentView:
    """Read what belongs to one agent."""
    (view,) = views_of(database, agent.tenant, [agent])
    return view


def views_of(database: Database, tenant: str, agents: Sequence[Agent]) -> list[AgentView]:
    """Read what belongs to these agents: three reads for a hundred things each, however many agents."""
    block_ids = [block_id for agent in agents for block_id in agent.block_ids]
    blocks = {block.id: block for block in database.blocks.get_many(tenant, block_ids)}
    tools = tools_of_ids(database, tenant, [tool_id for agent in agents for tool_id in agent.tool_ids])
    ids = [agent.id for agent in agents]
    standings = {standing.id: standing for standing in database.conversations.get_many(tenant, ids)}
    return [
        AgentView(
            agent,
            tuple(blocks[block_id] for block_id in agent.block_ids if block_id in blocks),
            tuple(tools[tool_id] for tool_id in agent.tool_ids if tool_id in tools),
            standings[agent.id].last_stop_reason if agent.id in standings else None,
            standings[agent.id].last_run_at if agent.id in standings else None,
            _pending_approval(database, standings.get(agent.id)),
        )
        for agent in agents
    ]


def _pending_approval(database: Database, lane: Conversation | None) -> Message | None:
    """Return the message that asks for an answer, of a lane that waits for one."""
    asked = lane.pending_approval if lane else None
    if lane is None or asked is None:
        return None
    return database.messages.get(lane.tenant, lane.id, sequence_of_message(asked.message_id))


def tools_of_ids(database: Database, tenant: str, tool_ids: Sequence[str]) -> dict[str, Tool]:
    """Return the tools that exist of these ids, built-in ones among them."""
    found = {tool.id: tool for tool in BaseTools(tenant).all()}
    stored = [tool_id for tool_id in tool_ids if tool_id not in found]
    return found | {tool.id: tool for tool in database.tools.get_many(tenant, stored)}


def every_agent(database: Database, tenant: str) -> Iterator[Agent]:
    """Yield all agents of the tenant, oldest first. Reads each of them: for rare questions that no index answers."""
    for agent_ids in batched(database.agents.ids(tenant), SCAN_PAGE, strict=False):
        yield from database.agents.get_many(tenant, agent_ids)
