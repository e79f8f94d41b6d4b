"""Executes the base tools of one answer in process. What they write is staged and stored with their returns.

A base tool is never marked as started: until its returns are stored it has changed nothing.
"""

from typing import Any

from nightshift.clock import Clock
from nightshift.domain.message import ToolCall, ToolReturn
from nightshift.domain.tool import Tool
from nightshift.domain.tool_arguments import ArgumentsError, check_arguments
from nightshift.domain.tool_course import LEGACY_ANSWER_TOOL
from nightshift.execution.offer import parameters_of
from nightshift.execution.run_state import RunState
from nightshift.storage.database import Database
from nightshift.storage.dynamo import Write

MESSAGE_SENT = "Sent message successfully."


class BaseToolCalls:
    """The base tools that one answer calls, in their order."""

    def __init__(self, database: Database, state: RunState, clock: Clock) -> None:
        from nightshift.execution.archival_tools import Archive  # noqa: PLC0415 -- only where tools are called
        from nightshift.execution.memory_tools import MemoryChanges  # noqa: PLC0415 -- as above

        self._database = database
        self._state = state
        self._clock = clock
        self._memory = MemoryChanges(database, state.require_agent(), clock)
        self._archive = Archive(database, state.require_agent(), clock)

    def has(self, tool: Tool) -> bool:
        """Tell whether the tool is one of these."""
        from nightshift.tools.base import is_base_name  # noqa: PLC0415 -- as above

        return not tool.is_custom and is_base_name(tool.name)

    def run(self, call: ToolCall, tool: Tool, arguments: dict[str, Any]) -> ToolReturn:
        """Execute a call; what it can't do is an error return."""
        try:
            named = {name: value for name, value in arguments.items() if value is not None}
            check_arguments(named, parameters_of(tool))
            return ToolReturn(call.id, call.name, self._run(tool.name, named), status="success")
        except ArgumentsError as error:
            text = f"Error executing function {call.name}: {error}"
            return ToolReturn(call.id, call.name, text, status="error", stderr=(text,))

    def writes(self) -> tuple[Write, ...]:
        """Return what has to be stored in one transaction with the returns."""
        return (*self._memory.writes(), *self._archive.writes())

    def _run(self, name: str, arguments: dict[str, Any]) -> str:
        from nightshift.execution import archival_tools, conversation_search, memory_tools  # noqa: PLC0415 -- as above

        if name in memory_tools.NAMES:
            return self._memory.run(name, arguments)
        if name in archival_tools.NAMES:
            return self._archive.run(name, arguments)
        if name == conversation_search.NAME:
            return conversation_search.search_conversation(self._database, self._state, arguments, self._clock.now())
        if name == LEGACY_ANSWER_TOOL:
            return MESSAGE_SENT
        raise ArgumentsError("this tool can't be executed here")
