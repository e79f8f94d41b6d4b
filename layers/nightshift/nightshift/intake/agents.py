"""Creates, finds and deletes agents."""

import random
from dataclasses import dataclass
from datetime import datetime

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.agent import DEFAULT_BLOCK_LIMIT_CHARS, DEFAULT_CONTEXT_WINDOW_TOKENS, Agent, Block
from nightshift.domain.errors import ConditionFailedError, NotFoundError, TransientError
from nightshift.domain.message import Message, MessageDraft, Role, TextPart
from nightshift.domain.system_prompt import DEFAULT_SYSTEM, compile_system_prompt
from nightshift.intake.listing import Listing, list_indexed
from nightshift.intake.show import show_agent
from nightshift.intake.wire.agents import CreateAgent, CreateBlock, ListAgentsQuery
from nightshift.models.handles import parse_handle
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Doorbell, Ring
from nightshift.telemetry import logger

_ADJECTIVES = (
    "Amber",
    "Brisk",
    "Calm",
    "Deft",
    "Early",
    "Frosty",
    "Gentle",
    "Hazel",
    "Keen",
    "Lunar",
    "Quiet",
    "Swift",
)
_NOUNS = (
    "Badger",
    "Comet",
    "Falcon",
    "Harbor",
    "Heron",
    "Lantern",
    "Maple",
    "Otter",
    "Owl",
    "Raven",
    "Sparrow",
    "Tide",
)


@dataclass(frozen=True, slots=True)
class AgentRegistry:
    """The agents of all tenants; every call names its tenant."""

    database: Database
    doorbell: Doorbell
    clock: Clock

    def create(self, tenant: str, body: CreateAgent) -> Agent:
        """Make an agent with its default conversation, whose first message is the system message.

        Raises:
            InvalidRequestError: no model, or not a handle.
            NotFoundError: no such provider.
        """
        parse_handle(body.model)
        agent = _to_agent(tenant, body, self.clock.now())
        self.database.transact(
            [
                self.database.agents.create(agent),
                self.database.conversations.create(tenant, agent.id, agent.id),
                self.database.messages.append(tenant, agent.id, _system_message(agent)),
            ],
        )
        logger.info("agent created", agent_id=agent.id, model=agent.model)
        return agent

    def get(self, tenant: str, agent_id: str) -> Agent:
        """Return the agent.

        Raises:
            NotFoundError: this tenant has none of this id.
        """
        agent = self.database.agents.get(tenant, agent_id) if ids.is_well_formed("agent", agent_id) else None
        if agent is None:
            raise NotFoundError(f"Agent with ID {agent_id} not found")
        return agent

    def list(self, tenant: str, query: ListAgentsQuery) -> list[Agent]:
        """Return a page of the tenant's agents by time of creation."""
        agents = self.database.agents
        listing = Listing(
            page=lambda forward, limit, start: agents.list_page(tenant, forward=forward, limit=limit, start=start),
            load=lambda entries: agents.get_many(tenant, [entry["agent_id"] for entry in entries]),
            is_wanted=lambda agent: _is_wanted(agent, query),
            show=show_agent,
            start_of=lambda agent_id: agents.index_key(self.get(tenant, agent_id)),
        )
        return list_indexed(listing, query)

    def delete(self, tenant: str, agent_id: str) -> None:
        """Delete the agent. Its waiting runs end `cancelled` with their callbacks, then its messages go.

        What follows the transaction is a runner's work, so that a crash here or there delays it and loses nothing.

        Raises:
            NotFoundError: this tenant has none of this id.
        """
        try:
            self.database.transact(
                [
                    self.database.agents.delete(tenant, agent_id),
                    self.database.conversations.mark_deleted(tenant, agent_id, self.clock.now()),
                ],
            )
        except ConditionFailedError as failed:
            raise NotFoundError(f"Agent with ID {agent_id} not found") from failed
        logger.info("agent deleted", agent_id=agent_id)
        try:
            self.doorbell.ring(Ring(tenant, agent_id))
        except TransientError as error:
            logger.warning("doorbell not rung, the sweeper will", agent_id=agent_id, reason=str(error))


def _to_agent(tenant: str, body: CreateAgent, now: datetime) -> Agent:
    return Agent(
        id=ids.new_id("agent"),
        tenant=tenant,
        name=body.name or f"{random.choice(_ADJECTIVES)} {random.choice(_NOUNS)}",
        model=body.model or "",
        system=DEFAULT_SYSTEM if body.system is None else body.system,
        created_at=now,
        updated_at=now,
        agent_type=body.agent_type,
        description=body.description,
        blocks=tuple(_to_block(block) for block in body.memory_blocks),
        tags=tuple(dict.fromkeys(body.tags)),
        metadata=body.metadata or {},
        context_window_tokens=body.context_window_limit or DEFAULT_CONTEXT_WINDOW_TOKENS,
        max_output_tokens=body.max_tokens,
        embedding=body.embedding,
        timezone=body.timezone,
    )


def _to_block(block: CreateBlock) -> Block:
    return Block(
        id=ids.new_id("block"),
        label=block.label,
        value=block.value,
        limit_chars=block.limit or DEFAULT_BLOCK_LIMIT_CHARS,
        description=block.description,
        is_read_only=block.read_only,
        metadata=block.metadata or {},
    )


def _system_message(agent: Agent) -> Message:
    text = compile_system_prompt(agent, None, agent.created_at)
    draft = MessageDraft(Role.SYSTEM, (TextPart(text),))
    return Message(ids.message_id(0), 0, agent.created_at, draft)


def _is_wanted(agent: Agent, query: ListAgentsQuery) -> bool:
    if query.name is not None and agent.name != query.name:
        return False
    if query.query_text is not None and query.query_text.lower() not in agent.name.lower():
        return False
    matches = [tag in agent.tags for tag in query.tags]
    return not matches or (all(matches) if query.match_all_tags else any(matches))
