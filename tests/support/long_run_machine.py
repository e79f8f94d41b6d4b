"""Executes LongRun as Step Functions does: the real definition, the real function, the events of the history counted.

Executions are started in moto, which keeps them and does not execute them; time is the lane's.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # it has no types

import workflow_slice
from nightshift.execution.slice import SliceRunner
from nightshift.storage.long_runs import LongRuns
from support.aws_tables import client_of
from support.clock import ManualClock
from support.lambda_context import FakeLambdaContext
from support.lane import FUNCTION_MS

DEFINITION = Path(__file__).parents[2] / "statemachines" / "long_run.asl.yaml"

type Json = dict[str, Any]


@dataclass(slots=True)
class Execution:
    """One execution that has come to its end.

    Attributes:
        visited: states in the order they were entered.
        events: of its history, as Step Functions counts them.
        error: what it failed with, None where it succeeded.
    """

    name: str
    visited: list[str] = field(default_factory=list)
    events: int = 2  # ExecutionStarted; ExecutionSucceeded or ExecutionFailed
    error: Exception | None = None


class LongRunMachine:
    """The state machine of one stack, whose slices are executed by `runner`."""

    def __init__(self, clock: ManualClock, runner: SliceRunner, monkeypatch: pytest.MonkeyPatch) -> None:
        text = DEFINITION.read_text().replace("${WorkflowSliceFunctionArn}", "workflow_slice")
        self._definition: Json = yaml.safe_load(text)
        self._clock = clock
        self._client = client_of("stepfunctions")
        self.arn = self._client.create_state_machine(
            name="LongRun", definition=json.dumps(self._definition), roleArn="arn:aws:iam::123456789012:role/long-run"
        )["stateMachineArn"]
        self.executions: list[Execution] = []
        monkeypatch.setattr(workflow_slice, "_slices", lambda: runner)
        monkeypatch.setattr(workflow_slice, "_settings", lambda: _Settings(self.arn))

    @property
    def long_runs(self) -> LongRuns:
        return LongRuns(self._client, self.arn)

    def run_all(self, meanwhile: Callable[[str], None] = lambda _state: None) -> list[Execution]:
        """Execute what was started, and what that starts; `meanwhile` is called with each state that is entered."""
        while waiting := self._started():
            for name, state in waiting:
                self.executions.append(self._execute(name, state, meanwhile))
        return self.executions

    def _started(self) -> list[tuple[str, Json]]:
        done = {execution.name for execution in self.executions}
        listed = self._client.list_executions(stateMachineArn=self.arn)["executions"]
        fresh = [found for found in listed if found["name"] not in done]
        described = [self._client.describe_execution(executionArn=found["executionArn"]) for found in fresh]
        return [(found["name"], json.loads(found["input"])) for found in described]

    def _execute(self, name: str, state: Json, meanwhile: Callable[[str], None]) -> Execution:
        execution, at = Execution(name), self._definition["StartAt"]
        while True:
            node = self._definition["States"][at]
            execution.visited.append(at)
            execution.events += 2  # entered, exited
            meanwhile(at)
            match node["Type"]:
                case "Task":
                    try:
                        state = self._invoke(node, state, execution)
                    except Exception as error:  # noqa: BLE001 -- whatever it is, the execution fails with it
                        execution.error = error
                        return execution
                    at = node["Next"]
                case "Choice":
                    at = next((one["Next"] for one in node["Choices"] if _matches(one, state)), node["Default"])
                case "Wait":
                    self._wait_until(state[node["TimestampPath"].removeprefix("$.")])
                    at = node["Next"]
                case _:
                    return execution

    def _invoke(self, node: Json, state: Json, execution: Execution) -> Json:
        (retry,) = node["Retry"]
        for attempt in range(retry["MaxAttempts"] + 1):
            execution.events += 3  # scheduled, started, succeeded or failed
            try:
                return workflow_slice.lambda_handler(dict(state), FakeLambdaContext(remaining_ms=FUNCTION_MS))
            except Exception:
                if attempt == retry["MaxAttempts"]:
                    raise
                self._clock.advance(retry["IntervalSeconds"] * retry["BackoffRate"] ** attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _wait_until(self, timestamp: str) -> None:
        """Wait as long as Step Functions does: it takes a timestamp up to its seconds and cuts the rest off."""
        until = datetime.fromisoformat(timestamp).replace(microsecond=0)
        self._clock.advance(max(timedelta(), until - self._clock.now()).total_seconds())


@dataclass(frozen=True, slots=True)
class _Settings:
    long_run_arn: str


def _matches(choice: Json, state: Json) -> bool:
    return bool(state[choice["Variable"].removeprefix("$.")] == choice["StringEquals"])
