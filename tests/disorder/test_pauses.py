"""A runner pauses past its lease at any moment, its heartbeat with it, and wakes up after others did all its work.

It writes nothing any more, and calls neither a model nor a tool (promise 4).
"""

from dataclasses import dataclass, field
from typing import Any

import pytest

from conftest import Tell
from disorder.pause import Pause
from disorder.stored_state import empty_tables
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.execution.slice import SliceOutcome
from nightshift.tools.sandbox import Sandbox
from support.aws_tables import Stack
from support.lane import Lane
from support.scripted_model.answers import Call, Reply
from support.scripted_model.rules import Rule, answer_after_tool_calls, echo_history
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

PING = '''
def ping() -> str:
    """Answer."""
    return "pong"
'''


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done while a runner pauses."""

    rule: Rule = echo_history
    requests: int = 1
    tool: dict[str, Any] = field(default_factory=dict)
    slice_seconds: float = 120

    @property
    def is_never_repeated(self) -> bool:
        return "metadata_" in self.tool


def three_at_once(seen: SeenRequest) -> Reply:
    return Reply("done") if seen.tool_returns_since_user else Reply(tool_calls=(Call("ping"),) * 3)


WORKS = {
    "plain turn": Work(),
    "two waiting runs": Work(requests=2),
    "tools at the same time": Work(three_at_once, tool={"enable_parallel_execution": True}),
    "tool that must never be repeated": Work(
        answer_after_tool_calls(2), tool={"metadata_": {"repeat_policy": "never"}}
    ),
    "slice for slice": Work(answer_after_tool_calls(2), slice_seconds=0),
}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", WORKS)
def test_runner_that_pauses_at_any_moment_does_nothing_more_when_it_wakes(
    name: str, stack: Stack, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch, tell: Tell
) -> None:
    work = WORKS[name]
    undisturbed, _ = execute(work, stack, provider, monkeypatch, at=None)
    assert undisturbed.moments > 4
    for at in range(1, undisturbed.moments + 1):
        pause, runs = execute(work, stack, provider, monkeypatch, at=at)
        where = f"{name}: moment {at} of {undisturbed.moments}"
        assert pause.calls_at_wake is not None, f"{where}: nobody paused"
        assert pause.calls == pause.calls_at_wake, f"{where}: called a model or a tool in another runner's time"
        check(work, pause, runs, where)
    tell(f"pauses: {undisturbed.moments} in {name!r}, calls or writes after the wake-up 0")


def execute(
    work: Work, stack: Stack, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch, *, at: int | None
) -> tuple[Pause, list[Run]]:
    empty_tables()
    lane = Lane(stack, provider)
    lane.use_agent(PING, tool_fields=work.tool, parallel_tool_calls=True, include_base_tools=False)
    pause = Pause(lane, at)
    lane.sandbox = Sandbox(pause.execute)
    provider.play(rule=pause.in_model(work.rule))
    runs = [lane.accept(f"request {number}") for number in range(work.requests)]
    with pause.armed(monkeypatch):
        while lane.run_slice(work.slice_seconds).outcome is SliceOutcome.CONTINUES:
            pass
    while lane.conversation.waiting:
        lane.sweep()
    return pause, runs


def check(work: Work, pause: Pause, runs: list[Run], where: str) -> None:
    lane = pause.lane
    lane.assert_settled(runs)
    assert [lane.run(run).status for run in runs] == [RunStatus.COMPLETED] * work.requests, where
    called = [call.id for message in lane.log for call in message.draft.tool_calls]
    assert pause.executions.keys() <= set(called), f"{where}: a call that is not in the history was executed"
    if work.is_never_repeated:
        assert all(times == 1 for times in pause.executions.values()), f"{where}: executed twice"
    else:
        assert pause.executions.keys() == set(called), f"{where}: a call was never executed"
