"""Runs an agent's tool once for a client that waits, outside any run: nothing of it is stored."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from nightshift.domain import ids
from nightshift.domain.errors import InvalidRequestError, NotFoundError
from nightshift.domain.tool import EXTERNAL_MCP, Tool
from nightshift.intake.agent_view import AgentView
from nightshift.intake.agents import AgentRegistry
from nightshift.intake.show_agent import show_agent
from nightshift.tools.sandbox import Sandbox, SandboxRequest, SandboxResult, failed, unrunnable_reason

if TYPE_CHECKING:
    from nightshift.intake.mcp_tools import McpTools

TIMEOUT_SECONDS: Final = 20
"""Less than what is left of http_api's 29 s once the tool was found and its sandbox started."""


@dataclass(frozen=True, slots=True)
class ToolRuns:
    """Runs tools of agents.

    Attributes:
        remote: makes what runs tools of MCP servers, when there is one to run.
    """

    agents: AgentRegistry
    sandbox: Sandbox
    remote: Callable[[], "McpTools"]

    def run(self, tenant: str, agent_id: str, tool_name: str, arguments: Mapping[str, Any]) -> SandboxResult:
        """Call the tool with the agent's secrets and return what came of it; the tool's own errors are results.

        Raises:
            NotFoundError: no such agent, or it has no tool of this name.
            InvalidRequestError: a tool that works on a run, which there is none of here.
            TransientError: the sandbox could not be reached.
        """
        view = self.agents.view(tenant, agent_id)
        tool = next((tool for tool in view.tools if tool.name == tool_name), None)
        if tool is None:
            raise NotFoundError(f"Agent {agent_id} has no tool with the name {tool_name}")
        if tool.tool_type == EXTERNAL_MCP:
            return self.remote().run(tenant, tool.metadata["mcp"]["server_id"], tool.id, arguments)
        if not tool.is_custom:
            raise InvalidRequestError(f"{tool_name} is no tool of Python source; the agent calls it within a run")
        if (reason := unrunnable_reason(tool)) is not None:
            return failed(tool_name, reason)
        return self.sandbox.run(_request(view, tool, arguments))


def _request(view: AgentView, tool: Tool, arguments: Mapping[str, Any]) -> SandboxRequest:
    return SandboxRequest(
        tenant=view.agent.tenant,
        source_code=tool.source_code or "",
        function_name=tool.name,
        arguments=arguments,
        environment=view.agent.secrets,
        tool_call_id=ids.new_id("call"),
        timeout_seconds=TIMEOUT_SECONDS,
        return_char_limit=tool.return_char_limit,
        agent_state=show_agent(view),
    )
