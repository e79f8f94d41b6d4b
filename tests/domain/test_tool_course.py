"""The nine kinds of tool rules (letta_api_spec §3.5)."""

from typing import Any

import pytest

from nightshift.domain.approval import DENIAL_PREFIX
from nightshift.domain.message import MessageDraft, Role, ToolReturn
from nightshift.domain.tool_course import CONSTRAINT_PREFIX, CalledTool, ToolCourse
from nightshift.domain.tool_rule import json_to_rule

NAMES = ("a", "b", "c")


def course(*rules: dict[str, Any], called: str = "", output: str = "") -> ToolCourse:
    """Build the course of these rules after these one-letter tools, the last of which returned `output`."""
    done = [CalledTool(name, "") for name in called[:-1]] + [CalledTool(name, output) for name in called[-1:]]
    return ToolCourse(tuple(json_to_rule(rule) for rule in rules), tuple(done))


def rule(kind: str, tool: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "tool_name": tool, **fields}


FIRST = rule("run_first", "a")
CHILD = rule("constrain_child_tools", "a", children=["b"])
PARENT = rule("parent_last_tool", "a", children=["b"])
CONDITIONAL = rule("conditional", "a", child_output_mapping={"yes": "b", "3": "c"}, default_child="c")
TWICE = rule("max_count_per_step", "a", max_count_limit=2)


@pytest.mark.parametrize(
    ("rules", "called", "output", "allowed"),
    [
        ((), "", "", "abc"),
        ((FIRST,), "", "", "a"),
        ((FIRST, rule("run_first", "b")), "", "", "ab"),
        ((FIRST,), "b", "", "abc"),
        ((CHILD,), "", "", "abc"),
        ((CHILD,), "a", "", "b"),
        ((CHILD,), "ab", "", "abc"),
        ((PARENT,), "", "", "ac"),
        ((PARENT,), "a", "", "b"),
        ((PARENT,), "ab", "", "ac"),
        ((CONDITIONAL,), "b", "yes", "abc"),
        ((CONDITIONAL,), "a", "yes", "b"),
        ((CONDITIONAL,), "a", "YES\n", "b"),
        ((CONDITIONAL,), "a", "3.0", "c"),
        ((CONDITIONAL,), "a", "else", "c"),
        ((CONDITIONAL | {"default_child": None},), "a", "else", "abc"),
        ((CONDITIONAL | {"default_child": None, "require_output_mapping": True},), "a", "else", ""),
        ((TWICE,), "a", "", "abc"),
        ((TWICE,), "aa", "", "bc"),
        ((CHILD, PARENT), "a", "", "b"),
        ((FIRST, TWICE, CHILD), "", "", "a"),
        ((rule("constrain_child_tools", "b", children=["a"]), TWICE), "aab", "", ""),
        ((rule("exit_loop", "a"), rule("continue_loop", "b"), rule("required_before_exit", "c")), "", "", "abc"),
        ((rule("requires_approval", "a"),), "a", "", "abc"),
        ((rule("run_first", "elsewhere"),), "", "", "abc"),
    ],
)
def test_rules_allow_their_intersection(
    rules: tuple[dict[str, Any], ...], called: str, output: str, allowed: str
) -> None:
    assert course(*rules, called=called, output=output).allowed(NAMES) == [*allowed]


@pytest.mark.parametrize(
    ("given", "demands"),
    [
        (course(FIRST), True),
        (course(FIRST, called="a"), False),
        (course(CHILD), False),
        (course(CHILD, called="a"), True),
        (course(PARENT, called="a"), True),
        (course(CONDITIONAL, called="a"), True),
        (course(TWICE, called="aa"), False),
        (course(rule("required_before_exit", "a")), False),
    ],
)
def test_call_is_demanded_while_a_rule_of_order_is_in_force(given: ToolCourse, demands: bool) -> None:
    assert given.demands_call(NAMES) is demands


def test_required_tools_are_those_not_called_yet() -> None:
    rules = [rule("required_before_exit", name) for name in ("a", "b", "elsewhere")]
    assert course(*rules, called="b").still_required(NAMES) == ["a"]


def test_terminal_and_gated_tools_are_those_of_their_rules() -> None:
    found = course(rule("exit_loop", "a"), rule("requires_approval", "b"))
    assert [found.is_terminal(name) for name in (*NAMES, "send_message")] == [True, False, False, True]
    assert [found.needs_approval(name) for name in NAMES] == [False, True, False]


def test_only_rules_of_approval_permit_parallel_calls() -> None:
    assert course(rule("requires_approval", "a")).permits_parallel_calls
    assert not course(rule("requires_approval", "a"), TWICE).permits_parallel_calls


def test_prefilled_arguments_are_those_of_the_first_tool_and_of_the_child() -> None:
    first = course(FIRST | {"args": {"x": 1}}, CHILD | {"child_arg_nodes": [{"name": "b", "args": {"y": 2}}]})
    assert first.prefilled("a") == {"x": 1}
    after = ToolCourse(first.rules, (CalledTool("a", ""),))
    assert (after.prefilled("a"), after.prefilled("b")) == ({}, {"y": 2})


def test_call_counts_once_and_a_refused_one_not_at_all() -> None:
    def given(text: str, status: str) -> ToolReturn:
        return ToolReturn("call", "a", text, status)  # type: ignore[arg-type]  # the status is a parameter's text

    returns = (
        given("fine", "success"),
        given("Error executing function a: it broke", "error"),
        given(f"{CONSTRAINT_PREFIX} not now", "error"),
        given(f"{DENIAL_PREFIX}no", "error"),
    )
    after = course(TWICE).after(MessageDraft(Role.TOOL, tool_returns=returns))
    assert [called.output for called in after.called] == ["fine", "Error executing function a: it broke"]
    assert after.allowed(NAMES) == ["b", "c"]
