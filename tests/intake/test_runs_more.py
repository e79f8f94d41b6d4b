"""What there is of runs beside reading one: filters, the active ones, metrics, deletion."""

from typing import Any

import pytest

from intake.deployment import UNKNOWN_RUN, Deployment
from intake.executed_runs import THINKING_STEP, execute
from intake.refusals import assert_refused, read_json
from support.scripted_model.answers import ErrorReply, Reply
from support.scripted_model.server import ScriptedModel


def test_every_filter_of_the_sdk(deployment: Deployment, provider: ScriptedModel) -> None:
    client = deployment.sdk()
    done = execute(deployment, provider, Reply("Done."))
    failed = execute(deployment, provider, ErrorReply(400, "no"))
    waiting = deployment.post(done.agent_id)
    conversation = client.conversations.create(agent_id=failed.agent_id)
    there = deployment.post_to(conversation.id, "hello")

    def ids(**query: Any) -> list[str]:
        return [run.id for run in client.runs.list(order="asc", **query)]

    everything = [done.id, failed.id, waiting.id, there]
    assert ids() == ids(background=True, ascending=True) == everything
    assert ids(limit=1) == everything
    assert ids(background=False) == []
    assert ids(active=True) == ids(statuses=["created", "running"]) == [waiting.id, there]
    assert ids(statuses=["failed"]) == ids(stop_reason="llm_api_error") == [failed.id]
    assert ids(agent_id=done.agent_id) == ids(agent_ids=[done.agent_id]) == [done.id, waiting.id]
    assert ids(conversation_id=conversation.id) == ids(conversation_id=conversation.id, agent_id=failed.agent_id)
    assert ids(conversation_id=conversation.id) == [there]
    assert ids(conversation_id="default") == everything[:3]
    assert [run.id for run in client.runs.list(ascending=False).items] == everything[::-1]


def test_active_runs_are_listed_for_all_or_one_agent(deployment: Deployment) -> None:
    first, second = (deployment.post(deployment.create_agent().id) for _ in range(2))
    http = deployment.http()

    assert [run["id"] for run in read_json(http.get("/v1/runs/active"))] == [second.id, first.id]
    found = read_json(http.get("/v1/runs/active/", params={"agent_id": first.agent_id}))
    assert [run["id"] for run in found] == [first.id]
    assert_refused(http.get("/v1/runs/active?agent_id=1"), 422)


def test_metrics_count_steps_and_time(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, THINKING_STEP, Reply("Done."))

    metrics = read_json(deployment.http().get(f"/v1/runs/{run.id}/metrics"))

    assert (metrics["id"], metrics["agent_id"], metrics["num_steps"]) == (run.id, run.agent_id, 2)
    assert metrics["run_ns"] == run.total_duration_ns
    assert metrics["run_start_ns"] > 1_600_000_000 * 10**9


def test_run_that_has_not_begun_has_no_times(deployment: Deployment) -> None:
    run = deployment.post(deployment.create_agent().id)

    metrics = read_json(deployment.http().get(f"/v1/runs/{run.id}/metrics"))

    assert (metrics["run_start_ns"], metrics["run_ns"], metrics["num_steps"]) == (None, None, 0)


def test_deleted_run_is_gone_and_its_messages_stay(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, THINKING_STEP, Reply("Done."), text="x" * 70_000, callback_url="https://a.b/c")
    step = deployment.sdk().runs.steps.list(run.id).items[0]

    assert deployment.http().delete(f"/v1/runs/{run.id}").status_code == 200

    for path in (f"runs/{run.id}", f"runs/{run.id}/messages", f"steps/{step.id}"):
        assert_refused(deployment.http().get(f"/v1/{path}"), 404)
    assert_refused(deployment.http().delete(f"/v1/runs/{run.id}"), 404)
    assert deployment.items("RunsTable") == []
    assert len(deployment.sdk().agents.messages.list(run.agent_id).items) == 7
    assert deployment.sdk().runs.list().items == []


def test_active_run_and_one_that_leaves_the_queue_are_not_deleted(
    deployment: Deployment, provider: ScriptedModel
) -> None:
    run = deployment.post(deployment.create_agent().id)
    http = deployment.http()
    with deployment.writes_nothing():
        response = http.delete(f"/v1/runs/{run.id}")
        assert_refused(response, 409)
        assert response.headers["x-should-retry"] == "false"
    deployment.sdk().agents.messages.cancel(run.agent_id)
    assert_refused(http.delete(f"/v1/runs/{run.id}"), 409)
    deployment.answer_doorbells()

    assert http.delete(f"/v1/runs/{run.id}").status_code == 200
    assert provider.requests == []


@pytest.mark.parametrize(("method", "part"), [("DELETE", ""), ("GET", "/metrics")])
def test_runs_that_are_none_are_refused(
    deployment: Deployment, provider: ScriptedModel, method: str, part: str
) -> None:
    run = execute(deployment, provider, Reply("Done."))
    with deployment.writes_nothing():
        assert_refused(deployment.http().request(method, f"/v1/runs/run-1{part}"), 400)
        assert_refused(deployment.http().request(method, f"/v1/runs/{UNKNOWN_RUN}{part}"), 404)
        assert_refused(deployment.stranger.http().request(method, f"/v1/runs/{run.id}{part}"), 404)
