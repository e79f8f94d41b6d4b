"""The system message of a conversation: the agent's instructions with its memory (letta_api_spec §3.1)."""

from collections.abc import Sequence
from datetime import datetime

from nightshift.domain.agent import Agent
from nightshift.domain.block import Block
from nightshift.domain.tool_rule import ToolRule, describe_rule

MEMORY_PLACEHOLDER = "{CORE_MEMORY}"
"""Where in the instructions the memory goes; without it, it follows them."""

DEFAULT_SYSTEM = """\
You are a capable assistant who works in the background and keeps a memory of your own.
The memory blocks below are always in view; what they say about you and about people you work for is yours to rely on.
Do what is asked thoroughly before you answer, and answer plainly: say what you found, and what you could not do."""


def compile_system_prompt(
    agent: Agent, blocks: Sequence[Block], conversation_id: str | None, now: datetime, recalled_messages: int = 0
) -> str:
    """Return the text of the system message.

    Args:
        agent: whose instructions and tool rules they are.
        blocks: the agent's, in its order.
        conversation_id: None for the agent's default conversation.
        now: shown as the time of compiling.
        recalled_messages: how many messages the conversation holds beside this one.
    """
    sections = [_memory_blocks(blocks)] if blocks else []
    if agent.tool_rules:
        sections.append(_tool_rules(agent.tool_rules))
    sections.append(_memory_metadata(agent, conversation_id, now, recalled_messages))
    memory = "\n\n".join(sections)
    if MEMORY_PLACEHOLDER in agent.system:
        return agent.system.replace(MEMORY_PLACEHOLDER, memory)
    return f"{agent.system}\n\n{memory}"


def _memory_blocks(blocks: Sequence[Block]) -> str:
    shown = "\n\n".join(_block(block) for block in blocks)
    return f"<memory_blocks>\nThese blocks of your memory are in view:\n\n{shown}\n\n</memory_blocks>"


def _block(block: Block) -> str:
    facts = ["- read_only=true"] if block.is_read_only else []
    facts += [f"- chars_current={len(block.value)}", f"- chars_limit={block.limit_chars}"]
    metadata = "\n".join(facts)
    return (
        f"<{block.label}>\n<description>\n{block.description or ''}\n</description>\n"
        f"<metadata>\n{metadata}\n</metadata>\n<value>\n{block.value}\n</value>\n</{block.label}>"
    )


def _tool_rules(rules: Sequence[ToolRule]) -> str:
    shown = "\n".join(f"<tool_rule>\n{describe_rule(rule)}\n</tool_rule>" for rule in rules)
    about = "These rules bind which tools you call, and when."
    return f"<tool_usage_rules>\n<description>\n{about}\n</description>\n{shown}\n</tool_usage_rules>"


def _memory_metadata(agent: Agent, conversation_id: str | None, now: datetime, recalled_messages: int) -> str:
    compiled_at = now.strftime("%Y-%m-%d %I:%M:%S %p UTC%z")
    return (
        f"<memory_metadata>\n- AGENT_ID: {agent.id}\n- CONVERSATION_ID: {conversation_id or 'default'}\n"
        f"- System prompt last recompiled: {compiled_at}\n"
        f"- {recalled_messages} previous messages between you and the user are stored in recall memory\n"
        "</memory_metadata>"
    )
