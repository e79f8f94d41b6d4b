"""Operations on tools, by themselves and by the agent that has them."""

import stage
from nightshift.domain.display import Json
from nightshift.intake.agents import AgentRegistry
from nightshift.intake.attached_tools import AttachedTools
from nightshift.intake.show_agent import show_agent, show_tool
from nightshift.intake.tool_lists import ToolLists
from nightshift.intake.tools import ToolRegistry
from nightshift.intake.wire.tools import (
    AttachedToolsQuery,
    CreateTool,
    ListToolsQuery,
    UpdateApproval,
    UpdateTool,
)
from operations import Request, operation


def _tools() -> ToolRegistry:
    return ToolRegistry(stage.database(), stage.clock())


def _lists() -> ToolLists:
    return ToolLists(stage.database(), _tools())


def _attached() -> AttachedTools:
    return AttachedTools(AgentRegistry(stage.database(), stage.doorbell(), stage.clock()), _tools())


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


@operation("List an agent's tools", returns="Tool[]", query=AttachedToolsQuery)
def list_attached_tools(request: Request, agent_id: str, query: AttachedToolsQuery) -> list[Json]:
    return [show_tool(tool) for tool in _attached().list(request.tenant, agent_id, query)]


@operation("Give an agent a tool", returns="AgentState")
def attach_tool(request: Request, agent_id: str, tool_id: str) -> Json:
    return show_agent(_attached().attach(request.tenant, agent_id, tool_id))


@operation("Take a tool from an agent; the tool stays", returns="AgentState")
def detach_tool(request: Request, agent_id: str, tool_id: str) -> Json:
    return show_agent(_attached().detach(request.tenant, agent_id, tool_id))


@operation("Let calls of an agent's tool wait for approval, or not", returns="AgentState", body=UpdateApproval)
def update_approval(request: Request, agent_id: str, tool_name: str, body: UpdateApproval) -> Json:
    attached = _attached()
    view = attached.update_approval(request.tenant, agent_id, tool_name, requires_approval=body.requires_approval)
    return show_agent(view)
