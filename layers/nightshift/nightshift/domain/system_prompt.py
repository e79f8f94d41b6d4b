"""The system message of a conversation: the agent's instructions with its memory (letta_api_spec §3.1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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


LINE_NUMBERS_WARNING = "The numbers before the lines of a value are for display only; leave them out of what you write."


@dataclass(frozen=True, slots=True)
class MemorySize:
    """What an agent can find beside what it has in view.

    Attributes:
        messages: that the conversation holds beside its system message.
        passages: in the agent's archival memory.
    """

    messages: int = 0
    passages: int = 0


def compile_system_prompt(
    agent: Agent, blocks: Sequence[Block], conversation_id: str | None, now: datetime, size: MemorySize
) -> str:
    """Return the text of the system message.

    Args:
        agent: whose instructions and tool rules they are.
        blocks: the agent's, in its order.
        conversation_id: None for the agent's default conversation.
        now: shown as the time of compiling.
        size: what is out of view.
    """
    sections = [_memory_blocks(blocks, has_line_numbers=_likes_line_numbers(agent.model))] if blocks else []
    if agent.tool_rules:
        sections.append(_tool_rules(agent.tool_rules))
    sections.append("\n".join(_memory_metadata(agent, conversation_id, now, size)))
    memory = "\n\n".join(sections)
    if MEMORY_PLACEHOLDER in agent.system:
        return agent.system.replace(MEMORY_PLACEHOLDER, memory)
    return f"{agent.system}\n\n{memory}"


def _likes_line_numbers(model: str) -> bool:
    """Tell whether the model is one of Anthropic's, by whomever it is served."""
    return model.startswith("anthropic/") or "claude" in model.lower()


def _memory_blocks(blocks: Sequence[Block], *, has_line_numbers: bool) -> str:
    shown = "\n\n".join(_block(block, has_line_numbers=has_line_numbers) for block in blocks)
    return f"<memory_blocks>\nThese blocks of your memory are in view:\n\n{shown}\n\n</memory_blocks>"


def _block(block: Block, *, has_line_numbers: bool) -> str:
    value, warning = block.value, ""
    if has_line_numbers:
        value = "\n".join(f"{number}→ {line}" for number, line in enumerate(value.split("\n"), 1))
        warning = f"<warning>\n{LINE_NUMBERS_WARNING}\n</warning>\n"
    facts = ["- read_only=true"] if block.is_read_only else []
    facts += [f"- chars_current={len(block.value)}", f"- chars_limit={block.limit_chars}"]
    metadata = "\n".join(facts)
    return (
        f"<{block.label}>\n<description>\n{block.description or ''}\n</description>\n"
        f"<metadata>\n{metadata}\n</metadata>\n{warning}<value>\n{value}\n</value>\n</{block.label}>"
    )


def _tool_rules(rules: Sequence[ToolRule]) -> str:
    shown = "\n".join(f"<tool_rule>\n{describe_rule(rule)}\n</tool_rule>" for rule in rules)
    about = "These rules bind which tools you call, and when."
    return f"<tool_usage_rules>\n<description>\n{about}\n</description>\n{shown}\n</tool_usage_rules>"


def _memory_metadata(agent: Agent, conversation_id: str | None, now: datetime, size: MemorySize) -> Iterator[str]:
    from nightshift.domain.time_zone import zone_of  # noqa: PLC0415 -- most of what imports this compiles nothing

    yield "<memory_metadata>"
    yield f"- AGENT_ID: {agent.id}"
    yield f"- CONVERSATION_ID: {conversation_id or 'default'}"
    yield f"- System prompt last recompiled: {now.astimezone(zone_of(agent.timezone)):%Y-%m-%d %I:%M:%S %p %Z%z}"
    yield f"- {size.messages} previous messages between you and the user are stored in recall memory"
    if size.passages:
        yield f"- {size.passages} memories that you kept are stored in archival memory"
    yield "</memory_metadata>"
