"""Lets a runner sleep past its lease at one moment of its work, while others do all there is to do."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.client import BaseClient

from crash.kill_switch import WRITES
from support.lane import Lane
from support.scripted_model.answers import Answer
from support.scripted_model.rules import Rule
from support.scripted_model.seen import SeenRequest

SWEEPS = 12


@dataclass(slots=True)
class Pause:
    """Counts the moments at which the runner can be paused, and pauses it at one of them.

    Each write has a moment before and one after it, each call of a model or a tool one in its middle.

    Attributes:
        at: 1-based number of the moment, None to count only.
        model_calls, executions: of all runners; executions by the id of the tool call.
        calls_at_wake: model calls and executions at the end of the pause.
    """

    lane: Lane
    at: int | None = None
    moments: int = 0
    model_calls: int = 0
    executions: Counter[str] = field(default_factory=Counter)
    calls_at_wake: tuple[int, int] | None = None
    is_paused: bool = False

    @property
    def calls(self) -> tuple[int, int]:
        return self.model_calls, self.executions.total()

    def moment(self) -> None:
        if self.is_paused:
            return
        self.moments += 1
        if self.moments != self.at:
            return
        self.is_paused = True
        for _ in range(SWEEPS):
            if not self.lane.sweep():
                break
        self.calls_at_wake, self.is_paused = self.calls, False

    def in_model(self, rule: Rule) -> Rule:
        def thinking(seen: SeenRequest) -> Answer:
            self.model_calls += 1
            self.moment()
            return rule(seen)

        return thinking

    def execute(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Stand in for the sandbox."""
        self.executions[payload["tool_call_id"]] += 1
        self.moment()
        return {"status": "success", "text": "pong", "stdout": [], "stderr": []}

    @contextmanager
    def armed(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Watch every write that any client makes inside the block."""
        make_api_call: Callable[..., Any] = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's stubs leave it out

        def make_paused_call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            if operation not in WRITES:
                return make_api_call(client, operation, parameters)
            self.moment()
            answer = make_api_call(client, operation, parameters)
            self.moment()
            return answer

        with monkeypatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", make_paused_call)
            yield
