"""Which tools a run has, and which of them its next model call is offered (letta_api_spec §3.2, §3.4, §3.8)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nightshift.domain.agent import Agent
from nightshift.domain.errors import RunFailedError
from nightshift.domain.message import ToolCall, ToolSchema
from nightshift.domain.tool import Tool
from nightshift.domain.tool_course import ToolCourse
from nightshift.storage.database import Database


@dataclass(frozen=True, slots=True)
class Toolset:
    """The tools of one run by name.

    Attributes:
        server: those of the agent that exist.
        client: those that the request brought; one of them takes the place of the agent's tool of its name.
    """

    server: Mapping[str, Tool] = field(default_factory=dict)
    client: Mapping[str, ToolSchema] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """Return the names of all tools, the agent's first."""
        return list(dict.fromkeys((*self.server, *self.client)))

    def schema(self, name: str) -> ToolSchema:
        """Return what a model sees of the tool."""
        if name in self.client:
            return self.client[name]
        tool = self.server[name]
        return ToolSchema(name, tool.description or "", parameters_of(tool))


@dataclass(frozen=True, slots=True)
class Offer:
    """What one model call is offered.

    Attributes:
        names: of the tools that may be called.
        choice: `required`, or the name of the tool that must be called; None leaves it to the model.
    """

    names: tuple[str, ...]
    schemas: tuple[ToolSchema, ...]
    choice: str | None

    @property
    def demands_call(self) -> bool:
        """Tell whether an answer without a call breaks a rule."""
        return self.choice is not None


def load_toolset(database: Database, agent: Agent, client: Iterable[ToolSchema]) -> Toolset:
    """Return the run's tools; built-in ones need no read, the others one for all."""
    from nightshift.tools.base import BaseTools  # noqa: PLC0415 -- only where a run is executed

    found = {tool.id: tool for tool in BaseTools(agent.tenant).all()} if agent.tool_ids else {}
    stored = [tool_id for tool_id in agent.tool_ids if tool_id not in found]
    if stored:
        found |= {tool.id: tool for tool in database.tools.get_many(agent.tenant, stored)}
    tools = [found[tool_id] for tool_id in agent.tool_ids if tool_id in found]
    return Toolset({tool.name: tool for tool in tools}, {tool.name: tool for tool in client})


def offer_of(toolset: Toolset, course: ToolCourse) -> Offer:
    """Return what the next model call is offered.

    Rules decide about every tool that they name; a client's tool that none names is offered all the same.

    Raises:
        RunFailedError: the rules leave no tool although one must be called.
    """
    available = toolset.names
    allowed = set(course.allowed(available))
    names = [one for one in available if one in allowed or (one in toolset.client and not course.is_named(one))]
    demands = course.demands_call(available)
    if demands and not allowed:
        rules = ", ".join(rule.kind for rule in course.rules)
        raise RunFailedError(f"the tool rules allow no tool to be called next; look at the rules {rules}")
    choice = (names[0] if len(names) == 1 else "required") if demands else None
    return Offer(tuple(names), tuple(toolset.schema(name) for name in names), choice)


def gated_calls(calls: Iterable[ToolCall], toolset: Toolset, course: ToolCourse, offer: Offer) -> tuple[str, ...]:
    """Return the ids of the calls that wait for the client: to be approved, or to be run there."""
    return tuple(
        call.id
        for call in calls
        if call.name in offer.names and (call.name in toolset.client or course.needs_approval(call.name))
    )


def parameters_of(tool: Tool) -> dict[str, Any]:
    """Return the JSON Schema of the tool's parameters."""
    return tool.json_schema.get("parameters") or {"type": "object", "properties": {}}
