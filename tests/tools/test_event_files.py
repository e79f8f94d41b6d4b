"""The files of `events/tool_sandbox`, which `sam local invoke` uses too."""

from pathlib import Path

import pytest

from support.events import load_event
from support.sandbox_lambda import run_in_process

EVENTS = Path(__file__).parents[2] / "events" / "tool_sandbox"

RESULTS = {
    "call_tool": ("success", '{"city": "Köln", "weather": "sunny"}'),
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
