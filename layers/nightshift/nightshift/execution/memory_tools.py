"""The base tools that edit memory blocks. What they change is written in one transaction with their returns.

tool     read block (version 4) ─ edit in memory
record   returns of the answer · block if version = 4 → 5     all or nothing: a crash before repeats the edit, one
                                                              after it finds the returns, so no edit is done twice
         ✗ somebody wrote the block: read again, edit that
"""

from dataclasses import replace
from typing import Any, Final

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.agent import Agent
from nightshift.domain.block import MAX_MEMORY_BYTES, Block
from nightshift.domain.tool_arguments import ArgumentsError
from nightshift.storage.database import Database
from nightshift.storage.dynamo import Write
from nightshift.tools.memory_edits import LAST_LINE, insert_lines, replace_once

NAMES: Final = frozenset({"memory_insert", "memory_replace", "memory_rethink"})


class MemoryChanges:
    """The edits of one answer's calls, in their order; each sees those before it."""

    def __init__(self, database: Database, agent: Agent, clock: Clock) -> None:
        self._database = database
        self._agent = agent
        self._clock = clock
        self._stored: dict[str, Block] | None = None
        self._changed: dict[str, Block] = {}

    def run(self, name: str, arguments: dict[str, Any]) -> str:
        """Do one edit; return the block's new value.

        Raises:
            ArgumentsError: the edit can't be done; nothing has changed.
        """
        label = arguments["label"]
        match name:
            case "memory_insert":
                before = self._block(label)
                value = insert_lines(before.value, arguments["new_string"], arguments.get("insert_line", LAST_LINE))
            case "memory_replace":
                before = self._block(label)
                value = replace_once(before.value, arguments["old_string"], arguments["new_string"])
            case _:
                before, value = self._block_or_new(label), arguments["new_memory"]
        self._change(before, value)
        return value

    def writes(self) -> list[Write]:
        """Return the writes that store the edits, if nobody changed the blocks since they were read."""
        stored = {block.id for block in self._blocks.values()}
        new = [block for block in self._changed.values() if block.id not in stored]
        writes: list[Write] = [self._database.blocks.create(block) for block in new]
        writes += [self._database.blocks.replace(block) for block in self._changed.values() if block.id in stored]
        return [*writes, *([self._attach(new)] if new else [])]

    @property
    def _blocks(self) -> dict[str, Block]:
        if self._stored is None:
            found = self._database.blocks.get_many(self._agent.tenant, self._agent.block_ids)
            self._stored = {block.label: block for block in reversed(found)}
        return self._stored

    def _block(self, label: str) -> Block:
        """Return the block as the edits before left it; of two with one label the first, as everywhere."""
        block = self._changed.get(label) or self._blocks.get(label)
        if block is None:
            known = ", ".join(sorted({*self._blocks, *self._changed})) or "none"
            raise ArgumentsError(f"there is no memory block {label!r}; the blocks are: {known}")
        if block.is_read_only:
            raise ArgumentsError(f"the memory block {label!r} is read-only")
        return block

    def _block_or_new(self, label: str) -> Block:
        if label in self._changed or label in self._blocks:
            return self._block(label)
        if not label.strip() or len(label) > 100:
            raise ArgumentsError("a block's label has 1 to 100 characters")
        now = self._clock.now()
        return Block(ids.new_id("block"), self._agent.tenant, label, "", created_at=now, updated_at=now)

    def _change(self, before: Block, value: str) -> None:
        if len(value) > before.limit_chars:
            raise ArgumentsError(
                f"the memory block {before.label!r} holds {before.limit_chars} characters at most, this makes"
                f" {len(value)}; shorten it first"
            )
        after = {**self._blocks, **self._changed, before.label: replace(before, value=value)}
        if sum(len(block.value.encode("utf-8", "replace")) for block in after.values()) > MAX_MEMORY_BYTES:
            raise ArgumentsError(f"all memory blocks together hold {MAX_MEMORY_BYTES} bytes at most")
        self._changed[before.label] = replace(before, value=value, updated_at=self._clock.now())

    def _attach(self, blocks: list[Block]) -> Write:
        """Return the write that gives the agent its new blocks, made upon the agent as it is stored now."""
        found = self._database.agents.get(self._agent.tenant, self._agent.id) or self._agent
        attached = (*found.block_ids, *(block.id for block in blocks))
        return self._database.agents.replace(replace(found, block_ids=attached, updated_at=self._clock.now()))
