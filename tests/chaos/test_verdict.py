"""The verdict on a storm sees what it is there to see: each loss and each repetition turns a line off."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from chaos.load import CALLS_PER_RUN, answer_of, note_of, text_of
from chaos.outcome import AgentOutcome, Outcome, ShownMessage
from chaos.verdict import judge

RUNS = ("run-0", "run-1")


def history_of(place: int, run_id: str) -> list[ShownMessage]:
    def shown(type_: str, text: str, *call_ids: str) -> ShownMessage:
        return ShownMessage(f"{run_id} {type_} {text}", type_, run_id, "step", text, call_ids)

    messages = [shown("user_message", text_of(place))]
    for number in range(1, CALLS_PER_RUN + 1):
        note, call_id = note_of(place, number), f"{run_id}-call-{number}"
        messages.append(shown("tool_call_message", f'{{"text": "{note}"}}', call_id))
        messages.append(shown("tool_return_message", f"noted {note}", call_id))
    return [*messages, shown("assistant_message", answer_of(place))]


HISTORY = tuple(message for place, run_id in enumerate(RUNS) for message in history_of(place, run_id))
AGENT = AgentOutcome(
    accepted=RUNS,
    statuses=dict.fromkeys(RUNS, "completed"),
    steps={run_id: (f"{run_id}-step-1", f"{run_id}-step-2") for run_id in RUNS},
    history=HISTORY,
)
CALLS = {call for message in HISTORY for call in message.call_ids}
RIGHT = Outcome((AGENT,), {run_id: frozenset({f"delivery of {run_id}"}) for run_id in RUNS}, 0, dict.fromkeys(CALLS, 1))


def off(outcome: Outcome) -> set[str]:
    return {line.name for line in judge(outcome, posts=len(RUNS)) if line.is_off}


def with_agent(**changes: object) -> Outcome:
    return replace(RIGHT, agents=(replace(AGENT, **changes),))  # type: ignore[arg-type]  # the caller names fields


def with_history(change: Callable[[list[ShownMessage]], object]) -> Outcome:
    history = list(HISTORY)
    change(history)
    return with_agent(history=tuple(history))


ORDER, DUPLICATES, RETURNS = "agents whose order was kept", "duplicates", "calls without a return"


def test_nothing_is_off_when_all_is_right() -> None:
    assert off(RIGHT) == set()


def test_failed_run_may_stop_anywhere_but_between_call_and_return() -> None:
    failed = {"run-0": "completed", "run-1": "failed"}
    assert off(with_agent(statuses=failed, history=HISTORY[:-1])) == set()
    assert off(with_agent(statuses=failed, history=HISTORY[:-2])) == {RETURNS}


def test_call_whose_sandbox_died_twice_is_told_and_not_off() -> None:
    def fail(history: list[ShownMessage]) -> None:
        history[2] = replace(history[2], text="Error executing function take_note: the sandbox did not answer")

    outcome = with_history(fail)
    without_its_effect = replace(outcome, effects=dict.fromkeys(CALLS - set(HISTORY[2].call_ids), 1))
    assert off(outcome) == off(without_its_effect) == set()
    assert {line.name: line.found for line in judge(outcome, 2)}["calls whose sandbox died twice"] == 1


@pytest.mark.parametrize(
    ("outcome", "lines"),
    [
        (with_history(lambda history: history.pop()), {ORDER}),
        (with_history(lambda history: history.reverse()), {ORDER}),
        (with_history(lambda history: history.insert(0, history.pop(len(history) // 2))), {ORDER}),
        (with_history(lambda history: history.append(history[-1])), {ORDER, DUPLICATES}),
        (with_history(lambda history: history.pop(2)), {ORDER, RETURNS}),
        (with_agent(accepted=("run-1", "run-0")), {ORDER}),
        (with_agent(statuses={"run-0": "completed", "run-1": "running"}), {"terminal"}),
        (with_agent(statuses={**AGENT.statuses, "run-2": "completed"}), {"terminal", DUPLICATES}),
        (with_agent(steps={"run-0": ("step", "step")}), {DUPLICATES}),
        (replace(RIGHT, callbacks={"run-0": frozenset({"delivery"})}), {"runs with a callback"}),
        (
            replace(RIGHT, callbacks={**RIGHT.callbacks, "run-0": frozenset({"one", "two"})}),
            {"webhook-ids beyond one a run"},
        ),
        (replace(RIGHT, forged=1), {"callbacks forged or disagreeing"}),
        (replace(RIGHT, effects={}), {"  of these with an effect"}),
    ],
)
def test_line_is_off_for(outcome: Outcome, lines: set[str]) -> None:
    assert off(outcome) == lines
