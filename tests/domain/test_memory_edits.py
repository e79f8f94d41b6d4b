"""Edits of memory blocks, arguments of tools, and the listing of skills (letta_api_spec §3.1, §3.4)."""

from datetime import UTC, datetime

import pytest

from nightshift.domain.block import Block
from nightshift.domain.client_skills import with_skills
from nightshift.domain.run_request import ClientSkill
from nightshift.domain.tool import cut_return
from nightshift.domain.tool_arguments import ArgumentsError, PrefillError, check_arguments, fill_in, read_arguments
from nightshift.tools.memory_edits import insert_lines, replace_once

AT = datetime(2026, 11, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "line", "after"),
    [
        ("a\nb", -1, "a\nb\nnew"),
        ("a\nb", 0, "new\na\nb"),
        ("a\nb", 1, "a\nnew\nb"),
        ("a\nb", 2, "a\nb\nnew"),
        ("", -1, "new"),
        ("", 0, "new"),
    ],
)
def test_insert_puts_lines_after_the_line(value: str, line: int, after: str) -> None:
    assert insert_lines(value, "new", line) == after


@pytest.mark.parametrize(("text", "line", "why"), [("new", 3, "0 to 2"), ("new", -2, "-1"), ("1→ new", 0, "numbers")])
def test_insert_refuses_what_it_cannot_do(text: str, line: int, why: str) -> None:
    with pytest.raises(ArgumentsError, match=why):
        insert_lines("a\nb", text, line)


def test_replace_needs_exactly_one_occurrence() -> None:
    assert replace_once("one\ntwo", "two", "2") == "one\n2"
    with pytest.raises(ArgumentsError, match="does not occur"):
        replace_once("one", "two", "2")
    with pytest.raises(ArgumentsError, match=r"3 times, in lines 1, 1, 3"):
        replace_once("x x\ny\nx", "x", "z")
    with pytest.raises(ArgumentsError, match="empty"):
        replace_once("one", "", "2")
    with pytest.raises(ArgumentsError, match="line numbers"):
        replace_once("one", "Line 1: one", "2")


@pytest.mark.parametrize("text", ["{", "[1]", '"x"', "null", "[" * 100_000])
def test_arguments_that_are_no_object_are_told_to_the_model(text: str) -> None:
    with pytest.raises(ArgumentsError, match="arguments"):
        read_arguments(text)


def test_no_arguments_are_an_empty_object() -> None:
    assert read_arguments("") == read_arguments(" {} ") == {}


PARAMETERS = {
    "type": "object",
    "properties": {"text": {"type": "string"}, "count": {"type": "integer"}, "kind": {"enum": ["x", "y"]}, "any": {}},
    "required": ["text"],
}


def test_given_arguments_go_over_the_models_if_they_fit() -> None:
    assert fill_in({"text": "a", "count": 1}, {"text": "b"}, PARAMETERS) == {"text": "b", "count": 1}
    for wrong in ({"other": 1}, {"text": 1}, {"count": True}, {"kind": "z"}):
        with pytest.raises(PrefillError):
            fill_in({}, wrong, PARAMETERS)


@pytest.mark.parametrize(("arguments", "why"), [({}, "missing"), ({"text": 1}, "text"), ({"text": "", "z": 1}, "'z'")])
def test_arguments_of_base_tools_are_checked(arguments: dict[str, object], why: str) -> None:
    with pytest.raises(ArgumentsError, match=why):
        check_arguments(arguments, PARAMETERS)


def test_long_return_is_cut_with_a_remark_within_its_limit() -> None:
    assert cut_return("short") == "short"
    cut = cut_return("x" * 1_000, 200)
    assert len(cut) == 200
    assert cut.endswith("[cut: 1000 characters, the limit is 200]")
    assert len(cut_return("x" * 1_000, 3)) == 3


def test_skills_are_listed_by_their_folder_each_once_the_agents_own_first() -> None:
    own = Block("block-1", "t", "skills/pdf", "how to", AT, AT, description="Read PDFs\nin detail")
    other = Block("block-2", "t", "human", "Ada", AT, AT)
    skills = [
        ClientSkill("pdf", "another", "/home/ada/.skills/pdf/SKILL.md"),
        ClientSkill("web", "Browse", "/home/ada/.skills/web/SKILL.md"),
        ClientSkill("git", "Commit", "/home/ada/.skills/git"),
    ]
    assert with_skills("Be brief.", [other, own], skills) == (
        "Be brief.\n\n<available_skills>\n"
        "skills\n└── pdf/\n    └── SKILL.md (Read PDFs)\n\n"
        "/home/ada/.skills\n├── web/\n│   └── SKILL.md (Browse)\n└── git/\n    └── SKILL.md (Commit)\n"
        "</available_skills>"
    )
    assert with_skills("Be brief.", [other], []) == "Be brief."
