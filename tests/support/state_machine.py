"""Plays an execution of statemachines/*.yaml on a manual clock: the real definition, the function in this process."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # it has no types

from support.clock import ManualClock
from support.lane import ProcessDiedError

_LONG_RUN = Path(__file__).parents[2] / "statemachines" / "long_run.asl.yaml"

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class StateMachine:
    """LongRun: as much of the Amazon States Language as its definition uses."""

    invoke: Callable[[Json], Json]
    clock: ManualClock

    def execute(self, state_input: Json) -> None:
        """Go from state to state until the end, or until a task has failed as often as its retrier allows."""
        definition = load_definition()
        name, data = definition["StartAt"], state_input
        while True:
            state = definition["States"][name]
            match state["Type"]:
                case "Task":
                    answer = self._retried(state["Retry"][0], data)
                    if answer is None:
                        return
                    name, data = state["Next"], answer
                case "Choice":
                    name = next(_chosen(state, data), state["Default"])
                case "Wait":
                    until = datetime.fromisoformat(data[state["TimestampPath"].removeprefix("$.")])
                    self.clock.advance(max(0.0, (until - self.clock.now()).total_seconds()))
                    name = state["Next"]
                case "Succeed":
                    return

    def _retried(self, retrier: Json, data: Json) -> Json | None:
        """Invoke the function until it answers; None when it never did."""
        for attempt in range(1 + retrier["MaxAttempts"]):
            try:
                return self.invoke(data)
            except (Exception, ProcessDiedError):  # noqa: BLE001 -- States.ALL
                self.clock.advance(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** attempt)
        return None


@cache
def load_definition() -> Json:
    definition: Json = yaml.safe_load(_LONG_RUN.read_text())
    return definition


def _chosen(state: Json, data: Json) -> Iterator[str]:
    for choice in state["Choices"]:
        if data[choice["Variable"].removeprefix("$.")] == choice["StringEquals"]:
            yield choice["Next"]
