"""What an agent's tool rules make of the tools that were called so far in one turn (letta_api_spec §3.5).

A turn is a run, with the runs before it that paused for its client. Pure: the execution says what was called, and asks
what may come next.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from nightshift.domain.approval import DENIAL_PREFIX
from nightshift.domain.message import MessageDraft, ToolReturn
from nightshift.domain.tool_rule import (
    Conditional,
    ConstrainChildTools,
    ExitLoop,
    MaxCountPerStep,
    ParentLastTool,
    RequiredBeforeExit,
    RequiresApproval,
    RunFirst,
    ToolRule,
)

CONSTRAINT_PREFIX: Final = "[ToolConstraintError]"
"""How the return of a call that was not allowed begins (letta_api_spec §3.4)."""

LEGACY_ANSWER_TOOL: Final = "send_message"
"""The tool that agents of older kinds answer with: a call of it ends the run (letta_api_spec §3.11)."""


@dataclass(frozen=True, slots=True)
class CalledTool:
    """A tool that was executed, and what it returned."""

    name: str
    output: str


@dataclass(frozen=True, slots=True)
class ToolCourse:
    """The rules of an agent and the tools of this turn, oldest first."""

    rules: tuple[ToolRule, ...] = ()
    called: tuple[CalledTool, ...] = ()

    def after(self, returned: MessageDraft) -> "ToolCourse":
        """Return the course with the tools that were executed for these returns."""
        return replace(self, called=(*self.called, *executed_in(returned)))

    @property
    def needs_history(self) -> bool:
        """Tell whether what was called before matters to any rule."""
        return any(not isinstance(rule, RequiresApproval | ExitLoop) for rule in self.rules)

    @property
    def permits_parallel_calls(self) -> bool:
        """Tell whether several calls of one answer keep the rules: those about approval say nothing of order."""
        return all(isinstance(rule, RequiresApproval) for rule in self.rules)

    def allowed(self, names: Iterable[str]) -> list[str]:
        """Return those of the names that may be called next, in their order.

        Before any call the tools of `run_first` alone; then what every child, parent, conditional and count allows.
        """
        available = list(names)
        first = {rule.tool_name for rule in self.rules if isinstance(rule, RunFirst)}
        if not self.called and first.intersection(available):
            return [name for name in available if name in first]
        sets = [self._admitted(rule, available) for rule in self.rules]
        return [name for name in available if all(name in admitted for admitted in sets)]

    def demands_call(self, names: Sequence[str]) -> bool:
        """Tell whether the model must call a tool now: an init, child, parent or conditional rule is in force."""
        if not self.called:
            return any(isinstance(rule, RunFirst) and rule.tool_name in names for rule in self.rules)
        chains = (ConstrainChildTools, ParentLastTool, Conditional)
        return any(isinstance(rule, chains) and rule.tool_name == self._last for rule in self.rules)

    def still_required(self, names: Sequence[str]) -> list[str]:
        """Return the tools among `names` without a call of which the turn may not end."""
        done = {called.name for called in self.called}
        required = [rule.tool_name for rule in self.rules if isinstance(rule, RequiredBeforeExit)]
        return [name for name in dict.fromkeys(required) if name in names and name not in done]

    def is_terminal(self, name: str) -> bool:
        """Tell whether a call of the tool ends the run."""
        return name == LEGACY_ANSWER_TOOL or any(
            isinstance(rule, ExitLoop) and rule.tool_name == name for rule in self.rules
        )

    def needs_approval(self, name: str) -> bool:
        """Tell whether a person has to agree to calls of the tool."""
        return any(isinstance(rule, RequiresApproval) and rule.tool_name == name for rule in self.rules)

    def is_named(self, name: str) -> bool:
        """Tell whether any rule is about the tool."""
        return any(name in _names_in(rule) for rule in self.rules)

    def prefilled(self, name: str) -> dict[str, Any]:
        """Return the arguments that rules give to the next call of the tool, over the model's own."""
        given: dict[str, Any] = {}
        for arguments in self._prefilled(name):
            given |= arguments
        return given

    def _prefilled(self, name: str) -> Iterator[Mapping[str, Any]]:
        for rule in self.rules:
            match rule:
                case RunFirst(tool_name=tool_name, args=args) if args and tool_name == name and not self.called:
                    yield args
                case ConstrainChildTools(tool_name=parent, child_arg_nodes=nodes) if parent == self._last:
                    yield from (node.get("args") or {} for node in nodes or () if node.get("name") == name)

    @property
    def _last(self) -> str | None:
        return self.called[-1].name if self.called else None

    def _admitted(self, rule: ToolRule, available: Sequence[str]) -> set[str]:
        is_last = rule.tool_name == self._last
        match rule:
            case ConstrainChildTools(children=children) if is_last:
                return set(children)
            case ParentLastTool(children=children):
                return set(children) if is_last else set(available) - set(children)
            case Conditional() if is_last:
                return self._chosen(rule, available)
            case MaxCountPerStep(tool_name=name, max_count_limit=limit):
                count = sum(called.name == name for called in self.called)
                return set(available) - ({name} if count >= limit else set())
            case _:
                return set(available)

    def _chosen(self, rule: Conditional, available: Sequence[str]) -> set[str]:
        output = self.called[-1].output
        for key, child in rule.child_output_mapping.items():
            if _is_same(key, output):
                return {child}
        if rule.default_child:
            return {rule.default_child}
        return set() if rule.require_output_mapping else set(available)


def executed_in(returned: MessageDraft) -> tuple[CalledTool, ...]:
    """Return the tools that were executed for these returns: what was denied or not allowed was not."""
    return tuple(CalledTool(given.name, given.text) for given in returned.tool_returns if is_executed(given))


def is_executed(given: ToolReturn) -> bool:
    """Tell whether the return is that of a tool, not of a refusal to run one."""
    return given.status == "success" or not given.text.startswith((CONSTRAINT_PREFIX, DENIAL_PREFIX))


def _names_in(rule: ToolRule) -> set[str | None]:
    match rule:
        case ConstrainChildTools(children=children) | ParentLastTool(children=children):
            return {rule.tool_name, *children}
        case Conditional(child_output_mapping=mapping, default_child=default):
            return {rule.tool_name, default, *mapping.values()}
        case _:
            return {rule.tool_name}


def _is_same(key: str, output: str) -> bool:
    """Compare a mapping's key with what a tool returned: as text, as a number, or as a truth value or nothing."""
    if key == output or key.strip().lower() == output.strip().lower():
        return True
    try:
        return float(key) == float(output)
    except ValueError:
        return False
