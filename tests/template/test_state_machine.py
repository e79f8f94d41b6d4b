"""The LongRun state machine: its definition, and what it shares with the Python code that decides for it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from nightshift.domain.conversation import Lease
from nightshift.execution.long_run import MAX_SLICES_PER_EXECUTION, LongRunState
from nightshift.execution.slice import SliceOutcome, SliceResult
from template.deployment import Deployment

type Json = dict[str, Any]

MAX_HISTORY_EVENTS = 25_000
"""Of one execution (Step Functions quotas); the execution fails with the next."""

EVENTS_PER_ATTEMPT = 3
"""LambdaFunctionScheduled, LambdaFunctionStarted, and LambdaFunctionSucceeded, Failed or TimedOut."""

STATE = LongRunState("default", "agent-1", "correlation", slices=3)


@pytest.fixture
def machine(deployment: Deployment) -> Json:
    (found,) = deployment.of_type("AWS::StepFunctions::StateMachine").values()
    return found


@pytest.fixture
def states(machine: Json) -> dict[str, Json]:
    found: dict[str, Json] = machine["Definition"]["States"]
    return found


def targets(state: Json) -> Iterator[str]:
    for transition in (state, *state.get("Choices", ()), *state.get("Catch", ())):
        yield from (transition[name] for name in ("Next", "Default") if name in transition)


def test_every_transition_leads_to_a_state_and_every_state_is_reached(machine: Json, states: dict[str, Json]) -> None:
    reached = {machine["Definition"]["StartAt"]}
    while more := {target for name in reached for target in targets(states[name])} - reached:
        reached |= more
    assert reached == states.keys()


def test_every_substitution_is_used_and_every_placeholder_is_substituted(machine: Json) -> None:
    placeholders = set(re.findall(r"\$\{(\w+)\}", str(machine["Definition"])))
    assert placeholders == machine["DefinitionSubstitutions"].keys()


def test_outcomes_that_go_on_are_the_ones_the_machine_knows(states: dict[str, Json]) -> None:
    known = {choice["StringEquals"]: choice["Next"] for choice in states["Decide"]["Choices"]}
    assert known == {SliceOutcome.CONTINUES: "Slice", SliceOutcome.WAITS: "Wait"}
    assert states[states["Decide"]["Default"]]["Type"] == "Succeed"


def test_every_path_that_the_machine_reads_is_in_the_state(states: dict[str, Json]) -> None:
    lease = Lease("default", "agent-1", "lease-1", 7)
    result = SliceResult(SliceOutcome.WAITS, lease, "run-1", datetime(2026, 11, 25, tzinfo=UTC))
    after = STATE.after(result)
    assert set(re.findall(r"\$\.(\w+)", str(states))) <= after.keys()
    assert LongRunState.from_event(after) == LongRunState(
        "default", "agent-1", "correlation", slices=4, has_waited=True
    )


def test_slices_count_every_state_that_the_machine_enters(machine: Json, states: dict[str, Json]) -> None:
    outcomes = ["continues", "continues", "waits", "finished"]
    entered = transitions = slices = 0
    name = machine["Definition"]["StartAt"]
    while True:
        entered += 1
        match states[name]["Type"]:
            case "Choice":
                choices = {choice["StringEquals"]: choice["Next"] for choice in states[name]["Choices"]}
                name = choices.get(outcomes[slices], states[name]["Default"])
            case "Task":
                event = {"tenant": "t", "conversation_id": "c", "correlation_id": "", "slices": slices}
                transitions += LongRunState.from_event(event | {"outcome": outcomes[slices]}).transitions
                slices, name = slices + 1, states[name]["Next"]
            case "Wait":
                name = states[name]["Next"]
            case _:
                break
    assert (slices, transitions) == (3, entered)


def test_slice_has_the_time_its_function_has(states: dict[str, Json], deployment: Deployment) -> None:
    assert states["Slice"]["TimeoutSeconds"] > deployment.functions["WorkflowSliceFunction"]["Timeout"]


def test_execution_ends_before_its_history_is_full(states: dict[str, Json]) -> None:
    """Counts a round that visits every state, Slice with all its retries; entering and leaving are events too."""
    (retry,) = states["Slice"]["Retry"]
    events_per_round = (1 + retry["MaxAttempts"]) * EVENTS_PER_ATTEMPT + 2 * len({"Slice", "Decide", "Wait"})
    assert MAX_SLICES_PER_EXECUTION * events_per_round < MAX_HISTORY_EVENTS


def test_machine_is_standard_and_named_as_the_functions_start_it(machine: Json, deployment: Deployment) -> None:
    name = machine["StateMachineName"]["Fn::Sub"]
    assert machine["StateMachineType"] == "STANDARD"
    for function in ("QueueRunnerFunction", "WorkflowSliceFunction"):
        arn = deployment.functions[function]["Environment"]["Variables"]["LONG_RUN_ARN"]["Fn::Sub"]
        assert arn.endswith(f":stateMachine:{name}")
