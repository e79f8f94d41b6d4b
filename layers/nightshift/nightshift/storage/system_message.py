"""The system message of a conversation, compiled from its agent and its blocks as they are stored now (§3.1)."""

from datetime import datetime

from nightshift.domain import ids
from nightshift.domain.agent import Agent
from nightshift.domain.errors import NotFoundError
from nightshift.domain.message import Message, MessageDraft, Role, TextPart
from nightshift.domain.system_prompt import compile_system_prompt
from nightshift.storage.database import Database


def compile_for_agent(
    database: Database, agent: Agent, conversation_id: str, now: datetime, recalled_messages: int = 0
) -> Message:
    """Return the message for sequence 0 of a conversation; the agent's id means its default one.

    Its id is that of the agent's default conversation or a new one: who replaces a message keeps the id it has.
    """
    blocks = database.blocks.get_many(agent.tenant, agent.block_ids)
    is_default = conversation_id == agent.id
    text = compile_system_prompt(agent, blocks, None if is_default else conversation_id, now, recalled_messages)
    message_id = agent.system_message_id if is_default else ""
    return Message(message_id or ids.message_id(0), 0, now, MessageDraft(Role.SYSTEM, (TextPart(text),)))


def compile_system_message(
    database: Database, tenant: str, agent_id: str, conversation_id: str, now: datetime
) -> Message:
    """Return the message for sequence 0 of a conversation of this agent.

    Raises:
        NotFoundError: this tenant has no such agent.
    """
    agent = database.agents.get(tenant, agent_id)
    if agent is None:
        raise NotFoundError(f"Agent with ID {agent_id} not found")
    return compile_for_agent(database, agent, conversation_id, now)
