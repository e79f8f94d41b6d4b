"""Operations on the tools that an agent has."""

import stage
from nightshift.domain.display import Json
from nightshift.intake.agents import AgentRegistry
from nightshift.intake.attached_tools import AttachedTools
from nightshift.intake.show_agent import show_agent, show_tool
from nightshift.intake.tools import ToolRegistry
from nightshift.intake.wire.tools import AttachedToolsQuery, UpdateApproval
from operations import Request, operation


def _attached() -> AttachedTools:
    agents = AgentRegistry(stage.database(), stage.doorbell(), stage.clock())
    return AttachedTools(agents, ToolRegistry(stage.database(), stage.clock()))


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
