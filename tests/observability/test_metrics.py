"""Metrics are what CloudWatch can read from the lines: known, of few dimensions, and all of them emitted."""

from nightshift.domain.ids import new_run_id, step_id
from nightshift.domain.message import Usage
from nightshift.domain.prices import price_table
from nightshift.domain.step import Step, StepStatus
from nightshift.execution.run_log import log_step
from nightshift.telemetry import NAMESPACE, UNITS
from observability.recording import Recording
from support.clock import START
from support.logs import captured_logs

DIMENSIONS = {"service", "provider", "stop_reason", "outcome", "kind", "function_name", "function_version"}

FEW = 20
"""Values that a dimension may have; stop reasons are the most."""


WITH_A_PRICE = {"Dollars"}
"""Needs a model with a list price, which a scripted one has not."""


def test_every_metric_is_emitted(recording: Recording) -> None:
    assert {name for name, _ in recording.metrics} == set(UNITS) - WITH_A_PRICE


def test_step_of_a_model_with_a_price_says_what_it_cost() -> None:
    handle, usage = "anthropic/claude-haiku-4-5", Usage(prompt_tokens=1_000, completion_tokens=100, total_tokens=1_100)
    nano_dollars = price_table().nano_dollars(handle, usage)
    assert nano_dollars
    run_id = new_run_id()
    began, success = START, StepStatus.SUCCESS
    step = Step(
        step_id(run_id, 1), run_id, "agent-1", 1, success, began, handle, None, 1_000, usage, nano_dollars=nano_dollars
    )
    with captured_logs() as lines:
        log_step(step)
    (line,) = lines
    assert (line["Dollars"], line["provider"]) == (nano_dollars / 1e9, "anthropic")


def test_directives_are_well_formed(recording: Recording) -> None:
    """As CloudWatch demands: what a directive names is a number or a string at the root of its line."""
    for line in recording.lines:
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", ()):
            assert directive["Namespace"] == NAMESPACE
            assert isinstance(line["_aws"]["Timestamp"], int)
            for metric in directive["Metrics"]:
                assert isinstance(line[metric["Name"]], int | float)
                assert metric["Unit"] == UNITS[metric["Name"]]
            for name in {name for names in directive["Dimensions"] for name in names}:
                assert isinstance(line[name], str)
                assert line[name]


def test_dimensions_are_few_and_of_few_values(recording: Recording) -> None:
    assert {name for _, names in recording.metrics for name in names} == DIMENSIONS
    for name in DIMENSIONS:
        values = {line[name] for line in recording.lines if "_aws" in line and name in line}
        assert 1 <= len(values) <= FEW


def test_a_run_is_accepted_and_completed_once(recording: Recording) -> None:
    for scenario in ("goes_well", "outlives_its_slice", "provider_is_down", "is_cancelled", "ends_its_runners"):
        lines = recording.of_run(scenario)
        for metric in ("RunsAccepted", "RunsCompleted"):
            assert sum(line.get(metric, 0) for line in lines) == 1, (scenario, metric)


def test_completed_runs_are_told_by_their_stop_reason(recording: Recording) -> None:
    reasons = {
        scenario: [line["stop_reason"] for line in recording.of_run(scenario) if "RunsCompleted" in line]
        for scenario in ("goes_well", "provider_is_down", "is_cancelled", "ends_its_runners")
    }
    assert reasons == {
        "goes_well": ["end_turn"],
        "provider_is_down": ["llm_api_error"],
        "is_cancelled": ["cancelled"],
        "ends_its_runners": ["error"],
    }


def test_deliveries_are_told_by_their_outcome(recording: Recording) -> None:
    outcomes = [line["outcome"] for line in recording.of_run("receiver_is_dead") if "Deliveries" in line]
    assert outcomes == ["retried", "retried", "given_up"]


def test_waiting_counts_once_however_many_runners_work_on_a_run(recording: Recording) -> None:
    lines = recording.of_run("outlives_its_slice")
    assert len([line for line in lines if line["message"] == "run started"]) == 2
    assert len([line for line in lines if "RunQueuedSeconds" in line]) == 1


def test_tokens_and_latency_are_those_of_the_step(recording: Recording) -> None:
    steps = [line for line in recording.of_run("goes_well") if "Steps" in line]
    assert [(line["InputTokens"], line["OutputTokens"], line["CachedTokens"]) for line in steps] == [(10, 5, 0)] * 2
    assert all(line["provider"] == "openai" for line in steps)


def test_fifth_failure_of_a_message_is_a_dead_letter(recording: Recording) -> None:
    (dead,) = [line for line in recording.lines if "DeadLetters" in line]
    assert (dead["receives"], dead["ServiceFailures"]) == (5, 1)
    assert "Bugs" not in dead, "a throttled table is no reason to take a release back"
    assert dead["conversation_id"].startswith("agent-")
