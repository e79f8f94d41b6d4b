"""What a runbook tells is there: its first query finds the fault's lines, its commands exist with all that they take.

The faults of ModelsFailing, RunPoisoned, CallbacksFailing, WorkOverdue and ServicesFailing are planted on the embedded
AWS, where their pages' commands are run (tests/stack/test_three_in_the_morning.py). Here are the others' faults, and
the commands of all pages, which need no stack to be looked at.
"""

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import botocore.session
import jmespath  # type: ignore[import-untyped]  # it has no types
import pytest
from botocore import xform_name
from botocore.model import ListShape, OperationModel, Shape, StructureShape

from observability.logs_insights import Line, run_query
from observability.recording import Recording
from observability.watched import ROOT, RUNBOOKS, alarms, first_query
from routes import ROUTES

GLOBAL_OPTIONS: Final = {"query", "output"}
"""Of the AWS CLI, for every command."""

PAGES: Final = sorted(path.stem for path in RUNBOOKS.glob("*.md"))

type Command = tuple[str, ...]


def rows_of(alarm: str, recording: Recording) -> list[Line]:
    return run_query(first_query(alarm), recording.lines)


def test_dead_letter_is_found_with_its_exception_and_whose_it_was(recording: Recording) -> None:
    (row,) = rows_of("DeadLetters", recording)
    (of_run,) = {
        line["conversation_id"] for line in recording.of_run("table_is_throttled") if "conversation_id" in line
    }
    assert (row["tenant"], row["conversation_id"]) == ("default", of_run)
    assert row["exception_name"] == "TransientError"
    assert "Traceback" in row["exception"]


def test_bug_of_the_api_is_found_and_leads_to_the_requests_other_lines(recording: Recording) -> None:
    (row,) = [row for row in rows_of("RequestsFailing", recording) if row["message"] == "request failed"]
    assert row["exception_name"] == "RuntimeError"
    assert "Traceback" in row["exception"]
    lines = [line for line in recording.lines if line.get("correlation_id") == row["correlation_id"]]
    assert sum(line.get("RequestFailures", 0) for line in lines) == alarms()["RequestsFailing"]["Threshold"]
    assert [line["status"] for line in lines if line["message"] == "request answered"] == [500]


def test_run_that_waited_as_long_as_the_alarm_says_is_found_first(recording: Recording) -> None:
    waited_longest = rows_of("RunsWaiting", recording)[0]
    assert waited_longest["RunQueuedSeconds"] >= alarms()["RunsWaiting"]["Threshold"]
    assert waited_longest["run_id"] in {recording.runs["doorbell_is_lost"], recording.runs["table_is_throttled"]}
    assert waited_longest["conversation_id"]


def test_sweeper_that_runs_and_fails_is_found(recording: Recording) -> None:
    rows = [row for row in rows_of("SweeperSilent", recording) if row["message"] == "overdue doorbells not found"]
    assert rows
    assert all("Traceback" in row["exception"] for row in rows)


# ----------------------------------------------------------------------------------------------------------- commands


@cache
def commands_of(page: str) -> tuple[Command, ...]:
    """Return every command of a page, from its blocks and from its text, word by word."""
    text = (RUNBOOKS / f"{page}.md").read_text()
    blocks = re.findall(r"```bash\n(.*?)```", text, flags=re.S)
    inline = re.findall(r"`((?:aws|make) [^`]+)`", text)
    lines = "\n".join([*blocks, *inline]).replace("\\\n", " ").splitlines()
    return tuple(command for line in lines for command in _commands_in(line))


def _commands_in(line: str) -> Iterator[Command]:
    split = shlex.shlex(line, posix=True, punctuation_chars=True)
    split.whitespace_split = True
    words: list[str] = []
    for word in [*split, ";"]:
        if word[0] in ";&|<>()":
            yield tuple(words)
            words = []
        else:
            words.append(word)


def of_tool(tool: str) -> list[Any]:
    return [
        pytest.param(command, id=f"{page}-{' '.join(command[1:3])}")
        for page in PAGES
        for command in dict.fromkeys(commands_of(page))
        if command and command[0] == tool
    ]


def test_every_alarm_names_a_command() -> None:
    for alarm in alarms():
        assert {command[0] for command in commands_of(alarm) if command} & {"aws", "curl", "git", "make"}, alarm


@pytest.mark.parametrize("command", of_tool("aws"))
def test_aws_knows_the_command_with_its_options(command: Command) -> None:
    _, service, name, *options = command
    operation = _operation(service, name)
    given = {option.removeprefix("--").removeprefix("no-") for option in options if option.startswith("--")}
    assert operation.input_shape is not None
    known = {xform_name(member, "-") for member in operation.input_shape.members}
    assert given - GLOBAL_OPTIONS <= known
    if "--query" in options:
        expression = options[options.index("--query") + 1]
        assert operation.output_shape is not None
        assert jmespath.search(expression, _example(operation.output_shape)) is not None, expression


def _operation(service: str, name: str) -> OperationModel:
    model = botocore.session.get_session().get_service_model(service)
    (operation,) = [known for known in model.operation_names if xform_name(known, "-") == name]
    return model.operation_model(operation)


def _example(shape: Shape, depth: int = 6) -> Any:
    """Return an answer that has everything of this shape, so deep."""
    match shape:
        case StructureShape() if depth:
            return {name: _example(member, depth - 1) for name, member in shape.members.items()}
        case ListShape() if depth:
            return [_example(shape.member, depth - 1)]
        case _:
            return shape.type_name


@pytest.mark.parametrize("command", of_tool("curl"))
def test_api_has_the_endpoint(command: Command) -> None:
    method = command[command.index("-X") + 1]
    (path,) = [word.removeprefix("$NIGHTSHIFT_URL") for word in command if word.startswith("$NIGHTSHIFT_URL")]
    assert [route for route in ROUTES if route.method == method and route.matches_path(path)]


@pytest.mark.parametrize("command", of_tool("make"))
def test_make_knows_the_command_with_its_variables(
    command: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words = [word.replace("$", "") for word in command[1:]]
    printed = _dry_run(words)
    for variable in [word for word in words if "=" in word]:
        assert _dry_run([word for word in words if word != variable]) != printed, f"{variable} changes nothing"
    for name in ("NIGHTSHIFT_URL", "NIGHTSHIFT_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    for script, arguments in re.findall(r"ops/operate/(\w+)\.py (.*)", printed):
        monkeypatch.setattr(sys, "argv", [script, *shlex.split(arguments)])
        main: Callable[[], int] = import_module(script).main
        assert main() == 1, "there is no stack; arguments that are wrong exit otherwise"


def _dry_run(words: list[str]) -> str:
    """Return the commands that make would run."""
    done = subprocess.run(  # noqa: S603 -- make, which runs nothing
        ["/usr/bin/env", "make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.replace("\\\n", " ")
