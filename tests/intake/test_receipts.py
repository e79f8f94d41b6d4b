"""Receipts: what a run cost by step and model, a day's sums by agent, and null where nobody knows a price."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from intake.deployment import UNKNOWN_RUN, Deployment
from intake.executed_runs import THINKING_STEP, execute
from intake.refusals import assert_refused, read_json
from intake.waiting_runner import runner_at_work
from nightshift.execution.model_source import ModelSource
from nightshift.intake import receipts
from support.aws_tables import client_of
from support.compactions import FULL, is_asked_for_summary
from support.scripted_model.answers import Reply, TokenCounts
from support.scripted_model.server import ScriptedModel

type Json = dict[str, Any]

ANSWER = Reply("Done.", tokens=TokenCounts(prompt=200, completion=10))
MINI = "openai/gpt-4o-mini"
STEPS_COST = ((60 * 150 + 40 * 75 + 20 * 600) / 1e9, (200 * 150 + 10 * 600) / 1e9)
"""Of the two replies at 0.15, 0.075 and 0.60 dollars for a million tokens of input, cached input and output."""


A_SUMMARY = Reply("They talked.", tokens=TokenCounts(prompt=1_000, completion=50))
SUMMARY_COSTS = (1_000 * 250 + 50 * 2_000) / 1e9
"""By openai/gpt-5-mini, which sums up for agents whose model is OpenAI's."""


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

    assert found["model_dollars"] == sum(STEPS_COST)
    assert found["dollars_reason"] is None
    assert [step["dollars"] for step in found["steps"]] == list(STEPS_COST)
    assert [step["step_id"] for step in found["steps"]] == [
        step.id for step in deployment.sdk().runs.steps.list(run.id, order="asc")
    ]
    (model,) = found["models"]
    assert (model["model"], model["calls"], model["dollars"]) == (MINI, 2, found["model_dollars"])
    assert found["tokens"]["prompt_tokens"] == model["tokens"]["prompt_tokens"] == 300
    assert found["tokens"] == read_json(deployment.http().get(f"/v1/runs/{run.id}/usage"))
    assert (found["compaction_tokens"], found["compaction_dollars"]) == (0, 0)
    assert len(found["price_table_versions"]) == 1
    assert found["is_final"] is True


def test_model_without_a_price_has_null_dollars_and_a_reason(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, ANSWER, override_model=MINI)  # at an address that is not OpenAI's

    found = receipt(deployment, run.id)

    assert (found["dollars"], found["model_dollars"], found["unpriced_runs"]) == (None, None, 1)
    assert found["known_dollars"] == found["aws_dollars"] > 0
    assert found["dollars_reason"] == receipts.NO_PRICE
    assert found["compaction_dollars"] is None
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
    assert found["step_functions"] == {"transitions": 0, "dollars": 0}
    assert found["delivery"] is None


@pytest.mark.usefixtures("openai_itself")
def test_dollars_are_those_of_models_and_of_aws(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, ANSWER, override_model=MINI)

    found = receipt(deployment, run.id)

    parts = {service: found[service]["dollars"] for service in ("lambda", "dynamodb", "step_functions")}
    assert found["aws_dollars"] == pytest.approx(sum(parts.values()), rel=1e-12)
    assert found["dollars"] == pytest.approx(found["model_dollars"] + found["aws_dollars"], rel=1e-12)
    assert found["known_dollars"] == found["dollars"]
    # The function has 1,024 MB; either processor's price for a second, and a request.
    assert 0 <= found["lambda"]["gb_seconds"] - found["lambda"]["runner_ms"] / 1_000 < 0.001
    a_second = (parts["lambda"] - 0.2e-6) / found["lambda"]["gb_seconds"]
    assert a_second in (pytest.approx(0.0000166667, rel=1e-9), pytest.approx(0.0000133334, rel=1e-9))
    units = found["dynamodb"]
    assert units["dollars"] == pytest.approx(units["write_units"] * 0.625e-6 + units["read_units"] * 0.125e-6, rel=1e-9)
    assert found["aws_prices"]["region"] == "us-east-1"


@pytest.mark.usefixtures("openai_itself")
def test_summary_of_a_full_context_is_priced_beside_the_steps(deployment: Deployment, provider: ScriptedModel) -> None:
    answers = iter([*[ANSWER] * 4, Reply("The window is full now.", tokens=FULL)])
    provider.play(rule=lambda seen: A_SUMMARY if is_asked_for_summary(seen) else next(answers))
    agent_id = deployment.create_agent(model=MINI).id
    runs = [deployment.post(agent_id) for _ in range(5)]
    deployment.answer_doorbells()

    found = receipt(deployment, runs[-1].id)

    assert (found["compaction_tokens"], found["compaction_dollars"]) == (1_050, SUMMARY_COSTS)
    (step,) = found["steps"]
    assert found["model_dollars"] == pytest.approx(step["dollars"] + SUMMARY_COSTS, rel=1e-12)


@pytest.mark.usefixtures("openai_itself")
def test_compaction_on_request_has_its_price_in_its_own_step(deployment: Deployment, provider: ScriptedModel) -> None:
    provider.play(rule=lambda seen: A_SUMMARY if is_asked_for_summary(seen) else ANSWER)
    agent_id = deployment.create_agent(model=MINI).id
    for _ in range(3):
        deployment.post(agent_id)
    deployment.answer_doorbells()
    with runner_at_work(deployment):
        deployment.sdk().agents.messages.compact(agent_id, compaction_settings={"mode": "all"})
    (newest,) = deployment.sdk().runs.list(agent_id=agent_id, limit=1).items

    found = receipt(deployment, newest.id)

    assert [step["dollars"] for step in found["steps"]] == [SUMMARY_COSTS]
    assert (found["model_dollars"], found["compaction_dollars"]) == (SUMMARY_COSTS, 0)


def test_receipt_of_a_run_that_waits_says_that_it_is_not_final(deployment: Deployment) -> None:
    run = deployment.post(deployment.create_agent().id)

    found = receipt(deployment, run.id)

    assert (found["is_final"], found["steps"], found["model_dollars"]) == (False, [], 0)
    assert found["lambda"] == {"slices": 0, "runner_ms": 0, "gb_seconds": 0, "dollars": 0}
    assert found["dynamodb"]["write_units"] == 9  # what its acceptance took
    assert found["dollars"] == found["aws_dollars"] == 9 * 625 / 1e9


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

    answer_nano = 200 * 150 + 10 * 600
    dollars = {one["agent_id"]: (one["runs"], one["model_dollars"]) for one in found["agents"]}
    assert dollars == {first.agent_id: (3, 3 * answer_nano / 1e9), other.agent_id: (1, answer_nano / 1e9)}
    assert (found["runs"], found["model_dollars"]) == (4, 4 * answer_nano / 1e9)
    assert found["aws_dollars"] == pytest.approx(sum(one["aws_dollars"] for one in found["agents"]), rel=1e-12)
    assert found["aws_dollars"] > receipt(deployment, first.id)["aws_dollars"] > 0
    assert found["dollars"] == pytest.approx(found["model_dollars"] + found["aws_dollars"], rel=1e-12)
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

    assert (found["dollars"], found["model_dollars"], found["aws_dollars"]) == (None, None, None)
    assert found["dollars_reason"] == f"{receipts.NO_PRICE}; {receipts.NOT_COUNTED}"
    assert found["dynamodb"] == {"write_units": 0, "read_units": 0, "dollars": 0}
