"""The files of `events/tool_sandbox`, which `sam local invoke` uses too."""

import sys
from pathlib import Path

import pytest

from support.events import load_event
from support.sandbox_lambda import run_in_process

EVENTS = Path(__file__).parents[2] / "events" / "tool_sandbox"

RESULTS = {
    "call_tool": ("success", '{"city": "Köln", "weather": "sunny"}'),
    "recorded": ("success", '{"city": "Köln", "weather": "sunny"}'),
    "endless_tool": ("error", "TimeoutError"),
    "source_does_not_parse": ("error", "SyntaxError"),
}


def test_every_event_file_is_tried() -> None:
    assert RESULTS.keys() == {path.stem for path in EVENTS.iterdir()}


@pytest.mark.parametrize("name", RESULTS)
def test_event_file_is_answered(name: str) -> None:
    answer = run_in_process(load_event(f"tool_sandbox/{name}.json"))
    status, said = RESULTS[name]
    assert answer["status"] == status
    assert said in answer["text"]


def test_interpreter_finds_its_library_where_the_runtime_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Lambda's Python ends with 127 without this variable: it is linked with a library in /var/lang/lib.
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\n[ "$LD_LIBRARY_PATH" = /var/lang/lib ] || exit 127\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setenv("LD_LIBRARY_PATH", "/var/lang/lib")
    assert run_in_process(load_event("tool_sandbox/call_tool.json"))["status"] == "success"
