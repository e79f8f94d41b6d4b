"""Operations on tools by themselves; attached_tool_operations has those by the agent that has them."""

import stage
from nightshift.domain.display import Json
from nightshift.intake.show_agent import show_tool
from nightshift.intake.tool_lists import ToolLists
from nightshift.intake.tools import ToolRegistry
from nightshift.intake.wire.tools import CreateTool, ListToolsQuery, UpdateTool
from operations import Request, operation


def _tools() -> ToolRegistry:
    return ToolRegistry(stage.database(), stage.clock())


def _lists() -> ToolLists:
    return ToolLists(stage.database(), _tools())


@operation("Create a tool from its source, or change the one of its name", returns="Tool", body=CreateTool)
def create_tool(request: Request, body: CreateTool) -> Json:
    return show_tool(_tools().create(request.tenant, body))


@operation("Create a tool from its source, or change the one of its name", returns="Tool", body=CreateTool)
def upsert_tool(request: Request, body: CreateTool) -> Json:
    return show_tool(_tools().create(request.tenant, body))


@operation("List tools by time of creation, the built-in ones oldest", returns="Tool[]", query=ListToolsQuery)
def list_tools(request: Request, query: ListToolsQuery) -> list[Json]:
    return [show_tool(tool) for tool in _lists().list(request.tenant, query)]


@operation("Count tools")
def count_tools(request: Request) -> int:
    return _lists().count(request.tenant)


@operation("Retrieve a tool", returns="Tool")
def retrieve_tool(request: Request, tool_id: str) -> Json:
    return show_tool(_tools().get(request.tenant, tool_id))


@operation("Change a tool for all agents that have it", returns="Tool", body=UpdateTool)
def update_tool(request: Request, tool_id: str, body: UpdateTool) -> Json:
    return show_tool(_tools().update(request.tenant, tool_id, body))


@operation("Delete a tool")
def delete_tool(request: Request, tool_id: str) -> Json:
    _tools().delete(request.tenant, tool_id)
    return {"message": f"Tool {tool_id} deleted"}
