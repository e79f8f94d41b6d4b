"""What one agent may have: every answer about it must fit into Lambda's 6 MB, with its blocks twice."""

import json
from collections.abc import Sequence
from typing import Any

from nightshift.domain.agent import Agent
from nightshift.domain.block import MAX_MEMORY_BYTES, Block
from nightshift.domain.errors import ConflictError, InvalidRequestError, PayloadTooLargeError
from nightshift.domain.tool import Tool
from nightshift.intake.wire.agents import MAX_BLOCKS, MAX_TOOLS

MAX_AGENT_BYTES = 2_500_000
"""For an agent without its blocks and tools: instructions, metadata, secrets, rules."""

MAX_TOOLS_BYTES = 512 * 1024
"""For sources and schemas of an agent's tools together."""

SMALL_BLOCK_BYTES = MAX_MEMORY_BYTES // MAX_BLOCKS
"""Up to this size a block may grow without a look at the agents that have it: they stay below twice their limit."""


def check_memory(blocks: Sequence[Block]) -> None:
    """Check the blocks of one agent.

    Raises:
        ConflictError: two have one label.
        InvalidRequestError: they are too many, or too large together.
    """
    labels = [block.label for block in blocks]
    twice = {label for label in labels if labels.count(label) > 1}
    if twice:
        raise ConflictError(f"an agent's blocks have different labels; found twice: {', '.join(sorted(twice))}")
    if len(blocks) > MAX_BLOCKS:
        raise InvalidRequestError(f"an agent has at most {MAX_BLOCKS} blocks, found {len(blocks)}")
    size = sum(map(size_bytes, blocks))
    if size > MAX_MEMORY_BYTES:
        raise InvalidRequestError(f"an agent's blocks hold at most {MAX_MEMORY_BYTES} bytes together, found {size}")


def size_bytes(block: Block) -> int:
    """Return what the block's value takes."""
    return len(block.value.encode("utf-8", "replace"))


def check_agent(agent: Agent) -> None:
    """Check what is said of the agent itself.

    Raises:
        PayloadTooLargeError: it is too much to be shown.
    """
    rest: list[Any] = [agent.metadata, agent.secrets, agent.secrets, agent.model_settings, agent.response_format]
    rest += [agent.compaction_settings, agent.tags, agent.description, [str(rule) for rule in agent.tool_rules]]
    size = len(json.dumps([agent.system, rest], ensure_ascii=False).encode("utf-8", "replace"))
    if size > MAX_AGENT_BYTES:
        raise PayloadTooLargeError(f"an agent takes at most {MAX_AGENT_BYTES} bytes without its blocks, found {size}")


def check_tools(tools: Sequence[Tool]) -> None:
    """Check the tools of one agent.

    Raises:
        ConflictError: two have one name.
        InvalidRequestError: they are too many, or too large together.
    """
    names = [tool.name for tool in tools]
    if len(set(names)) < len(names):
        raise ConflictError("an agent's tools have different names")
    if len(tools) > MAX_TOOLS:
        raise InvalidRequestError(f"an agent has at most {MAX_TOOLS} tools, found {len(tools)}")
    size = sum(len(json.dumps([tool.json_schema, tool.source_code]).encode()) for tool in tools)
    if size > MAX_TOOLS_BYTES:
        raise InvalidRequestError(f"an agent's tools take at most {MAX_TOOLS_BYTES} bytes together, found {size}")
