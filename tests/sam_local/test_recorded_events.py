"""The events of `make invoke-<function>`: one recorded for every function, which its handler takes.

`make record-events` writes them; tests/stack/test_recorded_events.py shows that the embedded AWS delivers the same.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import authorizer
import queue_delivery
import queue_runner
import schedule_collector
import schedule_sweeper
import stream_callbacks
import workflow_slice
from nightshift.domain.stop_reason import StopReason
from nightshift.storage.doorbells import Ring
from support.aws_tables import Stack
from support.events import load_event, shape_of
from support.lambda_context import FakeLambdaContext
from support.lane import Lane
from support.stored_runs import AGENT_ID, RUN_ID

ROOT = Path(__file__).parents[2]
FUNCTIONS = sorted(path.name for path in (ROOT / "functions").iterdir() if path.is_dir())
DONE: dict[str, list[str]] = {"batchItemFailures": []}
CACHES = (
    authorizer._api_keys,
    queue_delivery._delivery,
    queue_runner._settings,
    queue_runner._slices,
    schedule_collector._collector,
    schedule_sweeper._sweeper,
    stream_callbacks._doorbell,
    workflow_slice._settings,
    workflow_slice._slices,
)

ON_AWS_ALONE = {
    "requestContext.domainPrefix: str",
    "requestContext.time: str",
    "requestContext.timeEpoch: number",
    "identitySource: NoneType",
}
"""What the embedded AWS leaves out, or says in another way, which no function reads."""

OF_THE_REQUEST = (
    "headers.",
    "queryStringParameters",
    "pathParameters",
    "stageVariables",
    "requestContext.authorizer",
    "body",
)
"""What differs from one HTTP request to the next."""

OF_THE_CALL = ("agent_state", "arguments", "environment")
"""What differs from one call of a tool to the next."""


@pytest.fixture(autouse=True)
def functions(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the handlers what template.yaml gives them, in fresh processes as it were."""
    for name in FUNCTIONS:
        logical_id = f"{name.title().replace('_', '')}Function"
        if name != "tool_sandbox":
            for variable, value in stack.environment(logical_id).items():
                monkeypatch.setenv(variable, value)
    for cached in CACHES:
        cached.cache_clear()
    yield
    for cached in CACHES:
        cached.cache_clear()


def _recorded(function: str, **names: str) -> dict[str, Any]:
    """Return the recorded event, with other names than the file's."""
    text = json.dumps(load_event(f"{function}/recorded.json"))
    for shown, own in names.items():
        text = text.replace({"agent": AGENT_ID, "run": RUN_ID}[shown], own)
    event: dict[str, Any] = json.loads(text)
    return event


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_has_a_make_target_and_a_recorded_event(function: str) -> None:
    command = ["make", "--dry-run", f"invoke-{function}"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603 -- our own program
    assert f"sam_local.py invoke {function} " in shown
    assert load_event(f"{function}/recorded.json")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_other_events_of_a_function_have_the_shape_of_the_recorded_one(function: str) -> None:
    recorded = _shape(load_event(f"{function}/recorded.json"))
    for file in sorted((ROOT / "events" / function).glob("*.json")):
        assert _shape(json.loads(file.read_text())) - ON_AWS_ALONE == recorded - ON_AWS_ALONE, file.name


def _shape(event: dict[str, Any]) -> set[str]:
    shape = shape_of(event)
    varying = (*OF_THE_REQUEST, *OF_THE_CALL)
    return {path for path in shape if not path.startswith(varying) and not path.startswith("identitySource")}


@pytest.mark.parametrize("function", ["queue_runner", "workflow_slice"])
def test_recorded_doorbell_and_recorded_state_have_a_waiting_run_executed(lane: Lane, function: str) -> None:
    run = lane.accept("Where is A-17?")
    handler = {"queue_runner": queue_runner, "workflow_slice": workflow_slice}[function].lambda_handler

    answer = handler(_recorded(function, agent=lane.agent.id), FakeLambdaContext(remaining_ms=300_000))

    assert lane.run(run).stop_reason is StopReason.END_TURN
    assert answer == DONE if function == "queue_runner" else answer["outcome"] == "finished"


def test_recorded_stream_record_is_handed_over(stack: Stack) -> None:
    assert stream_callbacks.lambda_handler(_recorded("stream_callbacks"), FakeLambdaContext()) == DONE
    (message,) = stack.messages("CallbackQueue")
    assert Ring.from_body(message["Body"]).subject == RUN_ID


def test_recorded_delivery_of_an_unknown_run_is_done(stack: Stack) -> None:
    assert queue_delivery.lambda_handler(_recorded("queue_delivery"), FakeLambdaContext()) == DONE


def test_recorded_minute_is_swept(stack: Stack) -> None:
    assert schedule_sweeper.lambda_handler(_recorded("schedule_sweeper"), FakeLambdaContext()) is None


def test_recorded_day_is_collected(stack: Stack) -> None:
    assert schedule_collector.lambda_handler(_recorded("schedule_collector"), FakeLambdaContext()) is None
