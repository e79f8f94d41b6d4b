"""Runs that call tools die at every write and at every execution of a tool (promise 6).

After each death the sweeper does its work. Then no call is without a return; a tool that may be repeated did its work
once for every key that it was given; one that must never be repeated was executed at most once; what base tools write
is there once.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from crash.kill_switch import Death, KillSwitch
from nightshift.domain.errors import RequestError, TransientError
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.execution.slice import SliceOutcome
from nightshift.tools.sandbox import Sandbox
from support.aws_tables import Stack
from support.lane import TENANT, Lane, ProcessDiedError
from support.scripted_model.answers import Answer, Call, Reply
from support.scripted_model.rules import Rule
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

type Json = dict[str, Any]

SWEEPS = 8
SOURCE = """
def pay(amount: int = 1) -> str:
    \"\"\"Pay.\"\"\"
    return "paid"
"""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A user's message, the model's answers to it, and what the client answers when the run pauses.

    Attributes:
        answers: the model's, by the number of tool messages it has seen.
        tool: further fields of the tool `pay`.
        reply: what answers a pause, by the ids of the gated calls; None where no run pauses.
        check: what has to hold at the end beside what holds always.
    """

    answers: tuple[Answer, ...]
    tool: Json = field(default_factory=dict)
    agent: Json = field(default_factory=dict)
    request: Json = field(default_factory=dict)
    reply: Callable[[list[str]], Json] | None = None
    check: Callable[["Attempt"], None] = lambda attempt: None


def calling(*names: str, arguments: str = "{}") -> Reply:
    return Reply(tool_calls=tuple(Call(name, arguments) for name in names))


def approved(ids: list[str]) -> Json:
    return {"type": "approval", "approvals": [{"tool_call_id": one, "approve": True} for one in ids]}


def executed(ids: list[str]) -> Json:
    items = [{"tool_call_id": one, "tool_return": "3 m", "status": "success"} for one in ids]
    return {"type": "tool_return", "tool_returns": items}


def remembered_once(attempt: "Attempt") -> None:
    agent = attempt.lane.database.agents.get(TENANT, attempt.lane.agent.id)
    assert agent is not None
    (block,) = attempt.lane.database.blocks.get_many(TENANT, agent.block_ids)
    assert block.value == "Ada" + "\nagain" * attempt.returned("memory_insert")


def kept_once(attempt: "Attempt") -> None:
    kept = list(attempt.lane.database.passages.newest(TENANT, attempt.lane.agent.id))
    assert len(kept) == attempt.returned("archival_memory_insert")


DONE = Reply("done")
MEMORY = {"memory_blocks": [{"label": "human", "value": "Ada"}], "tools": ["archival_memory_insert"]}

SCENARIOS = {
    "tools in sequence": Scenario((calling("pay"), calling("pay"), DONE)),
    "tools of one answer, one after another": Scenario((calling("pay", "pay"), DONE)),
    "tools of one answer, at the same time": Scenario(
        (calling("pay", "pay", "pay"), DONE), tool={"enable_parallel_execution": True}
    ),
    "tool that must never be repeated": Scenario(
        (calling("pay"), calling("pay"), DONE), tool={"metadata_": {"repeat_policy": "never"}}
    ),
    "two of one answer that must never be repeated": Scenario(
        (calling("pay", "pay"), DONE), tool={"metadata_": {"repeat_policy": "never"}}
    ),
    "edit of memory beside a tool": Scenario(
        (
            Reply(tool_calls=(Call("pay"), Call("memory_insert", '{"label": "human", "new_string": "again"}'))),
            calling("memory_insert", arguments='{"label": "human", "new_string": "again"}'),
            DONE,
        ),
        agent=MEMORY,
        check=remembered_once,
    ),
    "passage for the archive": Scenario(
        (calling("archival_memory_insert", arguments='{"content": "Ada was here"}'), DONE),
        agent=MEMORY,
        check=kept_once,
    ),
    "approval and resume": Scenario(
        (calling("pay", "look"), DONE),
        agent={"tool_rules": [{"type": "requires_approval", "tool_name": "pay"}]},
        reply=approved,
    ),
    "approval of a tool that must never be repeated": Scenario(
        (calling("pay"), DONE),
        tool={"metadata_": {"repeat_policy": "never"}},
        agent={"tool_rules": [{"type": "requires_approval", "tool_name": "pay"}]},
        reply=approved,
    ),
    "client's tool": Scenario(
        (calling("measure", "pay"), DONE), request={"client_tools": [{"name": "measure"}]}, reply=executed
    ),
}


def answer_in_order(answers: tuple[Answer, ...]) -> Rule:
    """Make a model that gives the n-th answer after n answers of tools: the same one when it is asked again."""

    def rule(seen: SeenRequest) -> Answer:
        returns = 0
        for earlier, turn in zip((None, *seen.turns), seen.turns, strict=False):
            returns += turn.role == "tool" and (earlier is None or earlier.role != "tool")
        return answers[min(returns, len(answers) - 1)]

    return rule


class Ledger:
    """What tools did: executions by the key they were given. Stands in for the sandbox; an execution may die too."""

    def __init__(self, switch: KillSwitch) -> None:
        self.executions: Counter[str] = Counter()
        self._switch = switch
        self._lock = threading.Lock()

    def invoke(self, payload: Json) -> Json:
        with self._lock:
            try:
                self._switch.passed("Execute", lambda: self.executions.update([payload["tool_call_id"]]))
            except ReadTimeoutError as error:
                raise TransientError("the sandbox's answer was lost") from error
        return {"status": "success", "text": "paid", "stdout": [], "stderr": []}


class Attempt:
    """One go at a scenario."""

    def __init__(self, stack: Stack, provider: ScriptedModel, scenario: Scenario, switch: KillSwitch) -> None:
        self.scenario = scenario
        self.lane = Lane(stack, provider)
        self.lane.use_agent(
            SOURCE,
            tool_fields=scenario.tool,
            **{"parallel_tool_calls": True, "include_base_tools": bool(scenario.agent.get("memory_blocks"))}
            | scenario.agent,
        )
        self.ledger = Ledger(switch)
        self.lane.sandbox = Sandbox(self.ledger.invoke)
        provider.play(rule=answer_in_order(scenario.answers))

    def work(self) -> None:
        """Accept and execute, every accept and every slice a process of its own; recover from its death."""
        self._accept({"text": "hello"} | self.scenario.request)
        lane = self.lane.conversation
        if self.scenario.reply is None or lane.pending_approval is None:
            return
        self._accept({"messages": [self.scenario.reply([*lane.pending_approval.tool_call_ids])]})

    def _accept(self, body: Json) -> None:
        with _process():
            self.lane.accept(**body)
        with _process():
            assert self.lane.run_slice().outcome in {SliceOutcome.FINISHED, SliceOutcome.LOST}
        for _ in range(SWEEPS):
            with _process():
                if not self.lane.sweep():
                    return

    def returned(self, name: str) -> int:
        """Return how many calls of the tool were answered with success."""
        returns = [given for message in self.lane.log for given in message.draft.tool_returns]
        return sum(given.name == name and given.status == "success" for given in returns)


def _process() -> suppress:
    return suppress(ProcessDiedError, TransientError, RequestError)


@pytest.mark.parametrize("name", SCENARIOS)
def test_death_at_any_write_or_execution_leaves_no_call_open_and_no_effect_twice(
    name: str,
    stack: Stack,
    provider: ScriptedModel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scenario = SCENARIOS[name]
    points = _count_points(scenario, stack, provider, monkeypatch)
    for at, death in _deaths(points):
        switch = KillSwitch(at, death)
        attempt = Attempt(stack, provider, scenario, switch)
        with switch.armed(monkeypatch):
            attempt.work()
        assert switch.has_struck
        _check(attempt, f"{name}: point {at} of {points}, {death}")
    with capsys.disabled():
        print(f"\nkill points: {points * len(Death)} in {name!r}, open calls 0, effects twice 0")  # noqa: T201 -- the report


def _count_points(scenario: Scenario, stack: Stack, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> int:
    switch = KillSwitch()
    attempt = Attempt(stack, provider, scenario, switch)
    with switch.armed(monkeypatch) as written:
        attempt.work()
    _check(attempt, "undisturbed")
    assert attempt.lane.texts()[-1] == "assistant: done"
    return len(written)


def _deaths(points: int) -> Iterator[tuple[int, Death]]:
    return ((at, death) for at in range(1, points + 1) for death in Death)


def _check(attempt: Attempt, at: str) -> None:
    lane, executions = attempt.lane, attempt.ledger.executions
    page = lane.database.runs.list_page(TENANT, lane.agent.id, forward=True, limit=100)
    runs = lane.database.runs.get_many(TENANT, [entry["run_id"] for entry in page.items], consistent=True)
    if lane.conversation.pending_approval is None:
        lane.assert_settled(runs)
    for run in runs:
        assert run.status is RunStatus.COMPLETED, f"{at}: {run.error}"
        assert run.stop_reason in {StopReason.END_TURN, StopReason.REQUIRES_APPROVAL}, f"{at}: {run.stop_reason}"
        assert run.started_call_ids == (), at
    called = [call.id for message in lane.log for call in message.draft.tool_calls if call.name == "pay"]
    returns = {given.tool_call_id: given for message in lane.log for given in message.draft.tool_returns}
    assert executions.keys() <= set(called), f"{at}: a key that no call has"
    for call_id in called:
        _check_call(attempt, executions[call_id], returns.get(call_id), at)
    attempt.scenario.check(attempt)


def _check_call(attempt: Attempt, executions: int, given: Any, at: str) -> None:
    if given is None:
        assert executions == 0, f"{at}: executed before it was approved"
        return
    never = "metadata_" in attempt.scenario.tool
    if never:
        assert executions <= 1, f"{at}: executed twice"
        assert given.status == "success" or "outcome is unknown" in given.text, f"{at}: {given.text}"
    else:
        assert given.status == "success", f"{at}: {given.text}"
    assert executions >= (given.status == "success"), f"{at}: a return without an execution"
