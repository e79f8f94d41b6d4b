"""Executes the tools that clients made: Python in the sandbox. What goes wrong in a tool is its return."""

from dataclasses import dataclass
from typing import Any, Final

from nightshift.domain.message import ToolCall, ToolReturn
from nightshift.domain.tool import EXTERNAL_MCP, Tool
from nightshift.execution.run_state import RunState
from nightshift.storage.database import Database
from nightshift.tools.sandbox import Sandbox, SandboxRequest, SandboxResult, failed, unrunnable_reason

TOOL_TIMEOUT_SECONDS: Final = 180.0
"""For one call of a tool (letta_api_spec §3.2), unless less time is left to the function."""


@dataclass(frozen=True, slots=True)
class ServerTools:
    """Runs tools outside of this process; `sandbox` None where none is set up.

    Attributes:
        allow_private_mcp_servers: call servers at private addresses too; for one's own machine.
    """

    database: Database
    sandbox: Sandbox | None
    allow_private_mcp_servers: bool = False

    def run(
        self, state: RunState, tool: Tool, call: ToolCall, arguments: dict[str, Any], timeout_seconds: float
    ) -> ToolReturn:
        """Execute the call.

        Raises:
            TransientError: the sandbox could not be reached, or its answer was lost: the call may have run.
        """
        result = self._run(state, tool, call, arguments, min(TOOL_TIMEOUT_SECONDS, timeout_seconds))
        return ToolReturn(call.id, call.name, result.text, result.status, result.stdout, result.stderr)

    def _run(
        self, state: RunState, tool: Tool, call: ToolCall, arguments: dict[str, Any], timeout_seconds: float
    ) -> SandboxResult:
        if tool.tool_type == EXTERNAL_MCP:
            from nightshift.execution.remote_tools import RemoteTools  # noqa: PLC0415 -- few agents have such tools
            from nightshift.tools.mcp_client import McpClient  # noqa: PLC0415 -- as above

            client = McpClient.connect(allow_private=self.allow_private_mcp_servers)
            return RemoteTools(self.database, client).run(tool, call, arguments, timeout_seconds)
        if reason := unrunnable_reason(tool):
            return failed(tool.name, reason)
        if self.sandbox is None:
            return failed(tool.name, "tools in Python are not set up here")
        agent, source = state.require_agent(), tool.source_code or ""
        request = SandboxRequest(
            tenant=agent.tenant,
            source_code=source,
            function_name=tool.name,
            arguments=arguments,
            environment=agent.secrets,
            tool_call_id=call.id,
            timeout_seconds=timeout_seconds,
            return_char_limit=tool.return_char_limit,
            agent_state=self._agent_state(state) if "agent_state" in source else None,
        )
        return self.sandbox.run(request)

    def _agent_state(self, state: RunState) -> dict[str, Any]:
        """Return the agent as a tool sees it that asks for it: what the API shows, in short, without secrets."""
        agent = state.require_agent()
        blocks = self.database.blocks.get_many(agent.tenant, agent.block_ids)
        shown = [{"label": block.label, "value": block.value, "limit": block.limit_chars} for block in blocks]
        return {
            "id": agent.id,
            "name": agent.name,
            "agent_type": agent.agent_type,
            "description": agent.description,
            "system": agent.system,
            "tags": list(agent.tags),
            "metadata": agent.metadata,
            "memory": {"blocks": shown},
        }
