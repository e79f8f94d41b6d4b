"""Receipts: what a run cost by step and model, a day's sums by agent, and null where nobody knows a price."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from intake.deployment import UNKNOWN_RUN, Deployment
from intake.executed_runs import THINKING_STEP, execute
from intake.refusals import assert_refused, read_json
from nightshift.execution.model_source import ModelSource
from nightshift.intake import receipts
from support.aws_tables import client_of
from support.scripted_model.answers import Reply, TokenCounts
from support.scripted_model.server import ScriptedModel

type Json = dict[str, Any]

ANSWER = Reply("Done.", tokens=TokenCounts(prompt=200, completion=10))
MINI = "openai/gpt-4o-mini"
STEPS_COST = ((60 * 150 + 40 * 75 + 20 * 600) / 1e9, (200 * 150 + 10 * 600) / 1e9)
"""Of the two replies at 0.15, 0.075 and 0.60 dollars for a million tokens of input, cached input and output."""


@pytest.fixture
def openai_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scripted model count as OpenAI, whose list prices are known, although it has an address of its own."""
    monkeypatch.setattr(ModelSource, "has_own_address", lambda _source, _provider: False)


def receipt(deployment: Deployment, run_id: str) -> Json:
    shown: Json = read_json(deployment.http().get(f"/v1/runs/{run_id}/receipt"))
    return shown


def day(deployment: Deployment, **query: str) -> Json:
    shown: Json = read_json(deployment.http().get("/v1/receipts", params=query))
    return shown


@pytest.mark.usefixtures("openai_itself")
def test_receipt_tells_tokens_and_dollars_by_step_and_model(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, THINKING_STEP, ANSWER, override_model=MINI)

    found = receipt(deployment, run.id)

    assert found["dollars"] == pytest.approx(sum(STEPS_COST), abs=1e-12)
    assert found["dollars_reason"] is None
    assert [step["dollars"] for step in found["steps"]] == pytest.approx(STEPS_COST, abs=1e-12)
    assert [step["step_id"] for step in found["steps"]] == [
        step.id for step in deployment.sdk().runs.steps.list(run.id, order="asc")
    ]
    (model,) = found["models"]
    assert (model["model"], model["calls"], model["dollars"]) == (MINI, 2, found["dollars"])
    assert found["tokens"]["prompt_tokens"] == model["tokens"]["prompt_tokens"] == 300
    assert found["tokens"] == read_json(deployment.http().get(f"/v1/runs/{run.id}/usage"))
    assert found["compaction_tokens"] == 0
    assert len(found["price_table_versions"]) == 1
    assert found["is_final"] is True


def test_model_without_a_price_has_null_dollars_and_a_reason(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, ANSWER, override_model=MINI)  # at an address that is not OpenAI's

    found = receipt(deployment, run.id)

    assert (found["dollars"], found["known_dollars"], found["unpriced_runs"]) == (None, 0, 1)
    assert found["dollars_reason"] == receipts.NO_PRICE
    assert found["steps"][0]["dollars"] is None
    assert found["models"][0]["dollars"] is None


def test_receipt_counts_time_units_and_slices(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, THINKING_STEP, ANSWER)

    found = receipt(deployment, run.id)

    assert found["lambda"]["slices"] == 1
    assert run.total_duration_ns is not None
    assert found["lambda"]["runner_ms"] >= run.total_duration_ns // 1_000_000
    # moto tells half a unit or one for each call; tests/performance counts what DynamoDB would charge.
    assert found["dynamodb"]["write_units"] > 9
    assert found["dynamodb"]["read_units"] > 0
    assert found["step_functions"] == {"transitions": 0}
    assert found["delivery"] is None


def test_receipt_of_a_run_that_waits_says_that_it_is_not_final(deployment: Deployment) -> None:
    run = deployment.post(deployment.create_agent().id)

    found = receipt(deployment, run.id)

    assert (found["is_final"], found["steps"], found["dollars"]) == (False, [], 0)
    assert found["lambda"] == {"slices": 0, "runner_ms": 0}
    assert found["dynamodb"]["write_units"] == 9  # what its acceptance took


def test_receipt_is_not_final_while_a_callback_is_due(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, ANSWER, callback_url="https://example.com/hook")

    found = receipt(deployment, run.id)

    assert found["is_final"] is False
    assert (found["delivery"]["status"], found["delivery"]["attempts"]) == ("pending", 0)


@pytest.mark.usefixtures("openai_itself")
def test_day_adds_up_runs_by_agent(deployment: Deployment, provider: ScriptedModel) -> None:
    first = execute(deployment, provider, ANSWER, override_model=MINI)
    provider.play([ANSWER, ANSWER])
    for _ in range(2):
        deployment.post(first.agent_id, override_model=MINI)
    other = execute(deployment, provider, ANSWER, ANSWER, ANSWER, override_model=MINI)

    found = day(deployment)

    dollars = {one["agent_id"]: (one["runs"], one["dollars"]) for one in found["agents"]}
    assert dollars == {
        first.agent_id: (3, pytest.approx(3 * STEPS_COST[1], abs=1e-12)),
        other.agent_id: (1, pytest.approx(STEPS_COST[1], abs=1e-12)),
    }
    assert (found["runs"], found["dollars"]) == (4, pytest.approx(4 * STEPS_COST[1], abs=1e-12))
    assert found["tokens"]["total_tokens"] == 4 * 210
    assert day(deployment, agent_id=other.agent_id)["agents"] == found["agents"][1:]
    assert found["lambda"]["slices"] == 4
    assert found["next_after"] is None


def test_day_holds_its_own_runs_only(deployment: Deployment) -> None:
    deployment.post(deployment.create_agent().id)
    today = datetime.now(UTC).date()

    assert day(deployment, day=today.isoformat())["runs"] == 1
    for other in (today - timedelta(days=1), today + timedelta(days=1)):
        assert day(deployment, day=other.isoformat())["runs"] == 0


def test_sum_of_many_runs_goes_on_in_the_next_answer(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipts, "MAX_RUNS", 2)
    monkeypatch.setattr(receipts, "INDEX_PAGE", 2)
    agent_id = deployment.create_agent().id
    runs = [deployment.post(agent_id).id for _ in range(3)]

    first = day(deployment)
    rest = day(deployment, after=first["next_after"])

    assert (first["runs"], first["next_after"]) == (2, runs[1])
    assert (rest["runs"], rest["next_after"]) == (1, None)


def test_tenants_see_no_receipts_of_others(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, ANSWER)
    stranger = deployment.stranger.http()
    assert_refused(stranger.get(f"/v1/runs/{run.id}/receipt"), 404)
    assert read_json(stranger.get("/v1/receipts"))["runs"] == 0
    assert read_json(stranger.get("/v1/receipts", params={"agent_id": run.agent_id}))["runs"] == 0
    assert_refused(stranger.get("/v1/receipts", params={"after": run.id}), 404)


def test_receipts_of_what_is_none_are_refused(standing: Deployment) -> None:
    http = standing.http()
    assert_refused(http.get(f"/v1/runs/{UNKNOWN_RUN}/receipt"), 404)
    assert_refused(http.get("/v1/runs/run-1/receipt"), 400)
    assert_refused(http.get("/v1/receipts", params={"day": "yesterday"}), 422)


def test_run_of_a_version_that_counted_nothing_has_no_price(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, ANSWER)
    key = {"pk": {"S": f"{deployment.tenant}#{run.id}"}, "sk": {"S": "run"}}
    client_of("dynamodb").update_item(TableName="RunsTable", Key=key, UpdateExpression="REMOVE spent, unpriced_calls")

    found = receipt(deployment, run.id)

    assert found["dollars"] is None
    assert found["dynamodb"] == {"write_units": 0, "read_units": 0}
