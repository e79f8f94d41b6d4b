"""Which tools an agent gets, and which of them ask a person first."""

from collections.abc import Sequence

from nightshift.domain.errors import NotFoundError
from nightshift.domain.tool import Tool
from nightshift.domain.tool_rule import RequiresApproval, ToolRule
from nightshift.intake.agent_view import tools_of_ids
from nightshift.intake.wire.agents import CreateAgent
from nightshift.storage.database import Database
from nightshift.tools.base import DEFAULT_NAMES, BaseTools, is_base_name


def tools_of_creator(database: Database, tenant: str, body: CreateAgent) -> list[Tool]:
    """Return the tools of a new agent: those named, those given by id, the base tools unless they are declined.

    Raises:
        NotFoundError: no such tool.
    """
    wanted = [*ids_of_names(database, tenant, body.tools or ()), *(body.tool_ids or ())]
    if body.include_base_tools:
        wanted += [BaseTools(tenant).named(name).id for name in DEFAULT_NAMES]
    found = tools_of_ids(database, tenant, wanted)
    missing = [tool_id for tool_id in wanted if tool_id not in found]
    if missing:
        raise NotFoundError(f"Tool with ID {missing[0]} not found")
    return [found[tool_id] for tool_id in dict.fromkeys(wanted)]


def ids_of_names(database: Database, tenant: str, names: Sequence[str]) -> list[str]:
    """Return the ids of tools by their names.

    Raises:
        NotFoundError: no tool has one of the names.
    """
    found = {name: BaseTools(tenant).named(name).id for name in names if is_base_name(name)}
    found |= database.tools.ids_of_names(tenant, [name for name in names if name not in found])
    missing = [name for name in names if name not in found]
    if missing:
        raise NotFoundError(f"Tool with the name {missing[0]} not found")
    return [found[name] for name in names]


def ask_approval(rules: tuple[ToolRule, ...], tools: Sequence[Tool]) -> tuple[ToolRule, ...]:
    """Return the rules with one more for each of the tools that asks for approval unless told otherwise."""
    gated = {rule.tool_name for rule in rules if isinstance(rule, RequiresApproval)}
    asking = [tool.name for tool in tools if tool.default_requires_approval and tool.name not in gated]
    return (*rules, *(RequiresApproval(tool_name=name) for name in asking))
