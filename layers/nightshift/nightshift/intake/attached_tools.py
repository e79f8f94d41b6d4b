"""The tools that agents have: attaching, detaching, and whether a person has to agree to their calls."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nightshift.domain.agent import Agent
from nightshift.domain.errors import NotFoundError
from nightshift.domain.tool import Tool
from nightshift.domain.tool_rule import RequiresApproval
from nightshift.intake.agent_limits import check_tools
from nightshift.intake.agent_tools import ask_approval
from nightshift.intake.agent_view import AgentView, tools_of_ids, view_of
from nightshift.intake.agents import AgentRegistry
from nightshift.intake.listing import page_of
from nightshift.intake.show_agent import show_tool
from nightshift.intake.tools import ToolRegistry
from nightshift.intake.wire.base import PageQuery


@dataclass(frozen=True, slots=True)
class AttachedTools:
    """Tools by the agent that has them."""

    agents: AgentRegistry
    tools: ToolRegistry

    def list(self, tenant: str, agent_id: str, query: PageQuery) -> Sequence[Tool]:
        """Return a page of the agent's tools, in the order of attaching."""
        return page_of(self.agents.view(tenant, agent_id).tools, query, lambda tool: tool.id, show_tool)

    def attach(self, tenant: str, agent_id: str, tool_id: str) -> AgentView:
        """Give the agent a tool, with its rule if it asks for approval; one that it has already stays as it is.

        Raises:
            NotFoundError: no such agent or tool.
        """
        tool = self.tools.get(tenant, tool_id)

        def with_tool(agent: Agent) -> Agent:
            if tool_id in agent.tool_ids:
                return agent
            found = tools_of_ids(self.agents.database, tenant, agent.tool_ids)
            check_tools([*(found[one] for one in agent.tool_ids if one in found), tool])
            rules = ask_approval(agent.tool_rules, [tool])
            return replace(agent, tool_ids=(*agent.tool_ids, tool_id), tool_rules=rules)

        return self.agents.change(tenant, agent_id, with_tool)

    def detach(self, tenant: str, agent_id: str, tool_id: str) -> AgentView:
        """Take a tool from the agent, and the rules about it: one that is required could never be called.

        Raises:
            NotFoundError: no such agent, or it does not have the tool.
        """
        found = tools_of_ids(self.agents.database, tenant, [tool_id])

        def without_tool(agent: Agent) -> Agent:
            if tool_id not in agent.tool_ids:
                raise NotFoundError(f"Agent {agent_id} has no tool {tool_id}")
            name = found[tool_id].name if tool_id in found else None
            return replace(
                agent,
                tool_ids=tuple(one for one in agent.tool_ids if one != tool_id),
                tool_rules=tuple(rule for rule in agent.tool_rules if rule.tool_name != name),
            )

        return self.agents.change(tenant, agent_id, without_tool)

    def update_approval(self, tenant: str, agent_id: str, tool_name: str, *, requires_approval: bool) -> AgentView:
        """Let calls of the agent's tool wait for approval, or no longer.

        Raises:
            NotFoundError: no such agent, or it has no tool of this name.
        """

        def with_approval(agent: Agent) -> Agent:
            if tool_name not in {tool.name for tool in view_of(self.agents.database, agent).tools}:
                raise NotFoundError(f"Agent {agent_id} has no tool with the name {tool_name}")
            gate = RequiresApproval(tool_name=tool_name)
            gates = [rule for rule in agent.tool_rules if isinstance(rule, RequiresApproval)]
            if not requires_approval:
                rest = (rule for rule in agent.tool_rules if rule not in gates or rule.tool_name != tool_name)
                return replace(agent, tool_rules=tuple(rest))
            if any(rule.tool_name == tool_name for rule in gates):
                return agent
            return replace(agent, tool_rules=(*agent.tool_rules, gate))

        return self.agents.change(tenant, agent_id, with_approval)
