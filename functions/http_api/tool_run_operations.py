"""Running an agent's tool outside a run."""

from typing import TYPE_CHECKING

import stage
from nightshift.domain.display import Json
from nightshift.intake.agents import AgentRegistry
from nightshift.intake.tool_run import ToolRuns
from nightshift.intake.wire.tool_run import RunTool
from nightshift.storage import clients
from nightshift.storage.sandbox_function import SandboxFunction
from nightshift.tools.sandbox import Sandbox
from operations import Request, operation
from tool_run_answers import show_result

if TYPE_CHECKING:
    from nightshift.intake.mcp_tools import McpTools


def _runs() -> ToolRuns:
    sandbox = SandboxFunction(clients.functions(), stage.tool_sandbox_arn())
    agents = AgentRegistry(stage.database(), stage.doorbell(), stage.clock())
    return ToolRuns(agents, Sandbox(sandbox.invoke), _mcp_tools)


def _mcp_tools() -> "McpTools":
    from mcp_server_operations import mcp_tools  # noqa: PLC0415 -- few agents have such tools

    return mcp_tools()


@operation("Run an agent's tool and wait for its result", returns="agents.ToolExecutionResult", body=RunTool)
def run_tool(request: Request, agent_id: str, tool_name: str, body: RunTool) -> Json:
    return show_result(_runs().run(request.tenant, agent_id, tool_name, body.args))
