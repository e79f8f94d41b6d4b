"""Tool rules as clients send them, one model a kind (letta_api_spec §3.5)."""

from typing import Annotated, Literal, Self

from pydantic import FailFast, Field, JsonValue, StrictBool, StrictInt, StringConstraints, model_validator

from nightshift.domain.tool_rule import ToolRule, json_to_rule
from nightshift.intake.wire.base import Wire

type ToolName = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class _Rule(Wire):
    tool_name: ToolName
    prompt_template: str | None = None


class _RunFirst(_Rule):
    type: Literal["run_first"]
    args: dict[str, JsonValue] | None = None


class _Plain(_Rule):
    type: Literal["exit_loop", "continue_loop", "required_before_exit", "requires_approval"]


class _ArgumentsOfChild(Wire):
    name: ToolName
    args: dict[str, JsonValue] | None = None


class _ConstrainChildTools(_Rule):
    type: Literal["constrain_child_tools"]
    children: list[ToolName]
    child_arg_nodes: list[_ArgumentsOfChild] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        strangers = {node.name for node in self.child_arg_nodes or ()} - {*self.children}
        if strangers:
            raise ValueError(f"child_arg_nodes name tools that are not children: {', '.join(sorted(strangers))}")
        return self


class _ParentLastTool(_Rule):
    type: Literal["parent_last_tool"]
    children: list[ToolName]


class _Conditional(_Rule):
    type: Literal["conditional"]
    child_output_mapping: Annotated[dict[str, ToolName], Field(min_length=1)]
    default_child: ToolName | None = None
    require_output_mapping: StrictBool = False


class _MaxCountPerStep(_Rule):
    type: Literal["max_count_per_step"]
    max_count_limit: Annotated[StrictInt, Field(ge=1, le=1_000_000)]


type WireRule = Annotated[
    _RunFirst | _Plain | _ConstrainChildTools | _ParentLastTool | _Conditional | _MaxCountPerStep,
    Field(discriminator="type"),
]

type WireRules = Annotated[list[WireRule], Field(max_length=500), FailFast()]


def to_rules(sent: WireRules) -> tuple[ToolRule, ...]:
    """Return the rules as the domain has them."""
    return tuple(json_to_rule(rule.model_dump()) for rule in sent)
