"""Creates, finds, changes and deletes tools. Built-in ones are seen as any other and can't be changed."""

from dataclasses import dataclass, replace

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.errors import ConditionFailedError, ConflictError, InvalidRequestError, NotFoundError
from nightshift.domain.tool import EXTERNAL_MCP, Tool
from nightshift.intake.changes import until_unchanged
from nightshift.intake.tool_fields import with_fields
from nightshift.intake.wire.tools import CreateTool, UpdateTool
from nightshift.storage.database import Database
from nightshift.tools.base import BaseTools, is_base_name


@dataclass(frozen=True, slots=True)
class ToolRegistry:
    """The tools of all tenants; every call names its tenant."""

    database: Database
    clock: Clock

    def create(self, tenant: str, body: CreateTool) -> Tool:
        """Make a tool, or change the one that has the name already: two creates leave one tool, whichever is later.

        Raises:
            InvalidRequestError: the source makes no tool.
            ConflictError: the name is a built-in tool's.
        """
        now = self.clock.now()
        blank = Tool(id=ids.new_id("tool"), tenant=tenant, name="", created_at=now, updated_at=now)
        tool = with_fields(blank, body)
        _refuse_base_name(tool.name)

        def attempt() -> Tool:
            found = self.database.tools.ids_of_names(tenant, [tool.name])
            if tool.name not in found:
                self.database.transact([self.database.tools.create(tool), self.database.tools.take_name(tool)])
                return tool
            present = self.database.tools.get(tenant, found[tool.name])
            if present is None:
                raise ConditionFailedError("the tool was deleted between two reads")
            after = replace(with_fields(present, body), updated_at=now)
            self.database.dynamo.write(self.database.tools.replace(after))
            return after

        return until_unchanged(self.clock, attempt)

    def get(self, tenant: str, tool_id: str) -> Tool:
        """Return the tool, which may be a built-in one.

        Raises:
            NotFoundError: this tenant has none of this id.
        """
        tool = BaseTools(tenant).find(tool_id)
        if tool is None and ids.is_well_formed("tool", tool_id):
            tool = self.database.tools.get(tenant, tool_id)
        if tool is None:
            raise NotFoundError(f"Tool with ID {tool_id} not found")
        return tool

    def update(self, tenant: str, tool_id: str, body: UpdateTool) -> Tool:
        """Change the tool for every agent that has it; new source or a new schema may give it a new name.

        Raises:
            NotFoundError: this tenant has none of this id.
            InvalidRequestError: a built-in tool, or source that makes no tool.
            ConflictError: the new name is another tool's.
        """

        def attempt() -> Tool:
            before = self._own(tenant, tool_id)
            after = replace(with_fields(before, body), updated_at=self.clock.now())
            if after.name == before.name:
                self.database.dynamo.write(self.database.tools.replace(after))
            else:
                self._rename(before, after)
            return after

        return until_unchanged(self.clock, attempt)

    def _rename(self, before: Tool, after: Tool) -> None:
        _refuse_base_name(after.name)
        tools = self.database.tools
        try:
            self.database.transact([tools.take_name(after), tools.free_name(before), tools.replace(after)])
        except ConditionFailedError as failed:
            if failed.index == 0:
                raise ConflictError(f"another tool has the name {after.name}") from failed
            raise

    def delete(self, tenant: str, tool_id: str) -> None:
        """Delete the tool; no agent has it any more, and its name is free.

        Raises:
            NotFoundError: this tenant has none of this id.
            InvalidRequestError: a built-in tool.
        """

        def attempt() -> None:
            tool = self._own(tenant, tool_id)
            self.database.transact([self.database.tools.delete_unchanged(tool), self.database.tools.free_name(tool)])

        until_unchanged(self.clock, attempt)

    def _own(self, tenant: str, tool_id: str) -> Tool:
        tool = self.get(tenant, tool_id)
        if tool.tool_type == EXTERNAL_MCP:
            raise InvalidRequestError(f"{tool.name} is a tool of an MCP server; change it there and refresh the server")
        if not tool.is_custom:
            raise InvalidRequestError(f"{tool.name} is a built-in tool, which can't be changed or deleted")
        return tool


def _refuse_base_name(name: str) -> None:
    if is_base_name(name):
        raise ConflictError(f"{name} is the name of a built-in tool; choose another")
