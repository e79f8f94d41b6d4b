"""The system message of a conversation, compiled from its agent and its blocks as they are stored now (§3.1)."""

from collections.abc import Sequence
from datetime import datetime

from nightshift.domain import ids
from nightshift.domain.agent import Agent
from nightshift.domain.block import Block
from nightshift.domain.message import Message, MessageDraft, Role, TextPart
from nightshift.domain.system_prompt import MemorySize, compile_system_prompt
from nightshift.storage.database import Database


def compile_system_message(
    database: Database, agent: Agent, conversation_id: str, now: datetime, held_messages: int = 0
) -> Message:
    """Return the message for sequence 0 of a conversation; the agent's id means its default one.

    Its id is that of the agent's default conversation or a new one: who replaces a message keeps the id it has.
    """
    blocks = database.blocks.get_many(agent.tenant, agent.block_ids)
    size = MemorySize(held_messages, database.passages.count(agent.tenant, agent.id))
    return system_message_of(agent, blocks, conversation_id, now, size)


def system_message_of(
    agent: Agent, blocks: Sequence[Block], conversation_id: str, now: datetime, size: MemorySize
) -> Message:
    """Return the message made of these blocks, for an agent of which nothing is stored yet."""
    is_default = conversation_id == agent.id
    text = compile_system_prompt(agent, blocks, None if is_default else conversation_id, now, size)
    message_id = agent.system_message_id if is_default else ""
    return Message(message_id or ids.message_id(0), 0, now, MessageDraft(Role.SYSTEM, (TextPart(text),)))
