"""The system message of a conversation, compiled from its agent as it is now."""

from datetime import datetime

from nightshift.domain import ids
from nightshift.domain.errors import NotFoundError
from nightshift.domain.message import Message, MessageDraft, Role, TextPart
from nightshift.domain.system_prompt import compile_system_prompt
from nightshift.storage.database import Database


def compile_system_message(
    database: Database, tenant: str, agent_id: str, conversation_id: str, now: datetime
) -> Message:
    """Return the message for sequence 0 of a conversation; the agent's id means its default one.

    Raises:
        NotFoundError: this tenant has no such agent.
    """
    agent = database.agents.get(tenant, agent_id)
    if agent is None:
        raise NotFoundError(f"Agent with ID {agent_id} not found")
    blocks = database.blocks.get_many(tenant, agent.block_ids)
    is_default = conversation_id == agent_id
    text = compile_system_prompt(agent, blocks, None if is_default else conversation_id, now)
    message_id = agent.system_message_id if is_default else ""
    return Message(message_id or ids.message_id(0), 0, now, MessageDraft(Role.SYSTEM, (TextPart(text),)))
