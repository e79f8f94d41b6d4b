"""Agents: one item each, listed by tenant in the order of their creation."""

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from nightshift.domain.agent import Agent
from nightshift.domain.tool_rule import json_to_rule, rule_to_json
from nightshift.storage.listed import ListedItems


@dataclass(frozen=True, slots=True)
class Agents(ListedItems[Agent]):
    """The agents of the agents table."""

    kind: ClassVar = "agent"

    def _from_fields(self, fields: dict[str, Any]) -> Agent:
        rules = tuple(json_to_rule(rule) for rule in fields["tool_rules"])
        return Agent(**fields | {"tool_rules": rules})

    def _to_fields(self, agent: Agent) -> dict[str, Any]:
        return asdict(agent) | {"tool_rules": [rule_to_json(rule) for rule in agent.tool_rules]}
