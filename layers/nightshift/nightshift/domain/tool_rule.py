"""ToolRules: which tools an agent may or must call, and when (letta_api_spec §3.5).

One class a kind. The plain form, `type` with the fields, is that of the API and of the stored agent alike.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rule:
    tool_name: str
    prompt_template: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFirst(_Rule):
    """The tool is called before any other; `args` go over what the model says."""

    kind: ClassVar[str] = "run_first"
    args: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitLoop(_Rule):
    """A call of the tool ends the run."""

    kind: ClassVar[str] = "exit_loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContinueLoop(_Rule):
    """After a call of the tool the run goes on."""

    kind: ClassVar[str] = "continue_loop"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstrainChildTools(_Rule):
    """After the tool only its children may be called; `child_arg_nodes`, `{name, args}` each, go over the model's."""

    kind: ClassVar[str] = "constrain_child_tools"
    children: tuple[str, ...]
    child_arg_nodes: tuple[dict[str, Any], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentLastTool(_Rule):
    """The children may only be called directly after the tool."""

    kind: ClassVar[str] = "parent_last_tool"
    children: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditional(_Rule):
    """The tool's result decides which tool comes next."""

    kind: ClassVar[str] = "conditional"
    child_output_mapping: dict[str, str]
    default_child: str | None = None
    require_output_mapping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MaxCountPerStep(_Rule):
    """The tool may be called so often in one run, which the API calls a step here."""

    kind: ClassVar[str] = "max_count_per_step"
    max_count_limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredBeforeExit(_Rule):
    """The run may not end before the tool was called."""

    kind: ClassVar[str] = "required_before_exit"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiresApproval(_Rule):
    """A person has to agree to every call of the tool."""

    kind: ClassVar[str] = "requires_approval"


type ToolRule = (
    RunFirst
    | ExitLoop
    | ContinueLoop
    | ConstrainChildTools
    | ParentLastTool
    | Conditional
    | MaxCountPerStep
    | RequiredBeforeExit
    | RequiresApproval
)

_KINDS: Final[Mapping[str, type[ToolRule]]] = MappingProxyType(
    {
        rule.kind: rule
        for rule in (
            RunFirst,
            ExitLoop,
            ContinueLoop,
            ConstrainChildTools,
            ParentLastTool,
            Conditional,
            MaxCountPerStep,
            RequiredBeforeExit,
            RequiresApproval,
        )
    }
)
_TUPLES: Final = ("children", "child_arg_nodes")

_SENTENCES: Final = MappingProxyType(
    {
        RunFirst.kind: "{tool_name} is called before any other tool",
        ExitLoop.kind: "{tool_name} ends your turn",
        ContinueLoop.kind: "{tool_name} is followed by another step",
        ConstrainChildTools.kind: "after {tool_name} comes one of: {children}",
        ParentLastTool.kind: "only directly after {tool_name} come: {children}",
        Conditional.kind: "what {tool_name} returns decides which tool comes next",
        MaxCountPerStep.kind: "{tool_name} is called at most {max_count_limit} times in one run",
        RequiredBeforeExit.kind: "{tool_name} must be called before your turn ends",
        RequiresApproval.kind: "{tool_name} waits for approval",
    }
)
"""Kind to the sentence that tells a model of a rule."""


def rule_to_json(rule: ToolRule) -> dict[str, Any]:
    """Convert a rule to its plain form."""
    fields = asdict(rule)
    lists = {name: list(fields[name]) for name in _TUPLES if fields.get(name) is not None}
    return {"type": rule.kind, **fields, **lists}


def json_to_rule(plain: Mapping[str, Any]) -> ToolRule:
    """Read the plain form that `rule_to_json` or a checked request gave."""
    fields = {name: value for name, value in plain.items() if name != "type"}
    tuples = {name: tuple(fields[name]) for name in _TUPLES if fields.get(name) is not None}
    return _KINDS[plain["type"]](**fields | tuples)


def describe_rule(rule: ToolRule) -> str:
    """Return the sentence about the rule that the agent's system message holds."""
    if rule.prompt_template:
        return rule.prompt_template.replace("{{ tool_name }}", rule.tool_name)
    return _SENTENCES[rule.kind].format(**rule_to_json(rule) | {"children": ", ".join(getattr(rule, "children", ()))})
