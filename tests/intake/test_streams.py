"""POST /v1/runs/{id}/stream: the run's messages as server-sent events, replayed and followed to its end."""

from typing import Any

import pytest

from intake.deployment import UNKNOWN_RUN, Deployment
from intake.executed_runs import THINKING_STEP, execute
from intake.refusals import assert_refused
from intake.waiting_runner import runner_at_work
from nightshift.intake import wait
from support.scripted_model.answers import Reply
from support.scripted_model.server import ScriptedModel


def test_ended_run_is_replayed_with_its_input(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, THINKING_STEP, Reply("Done."))

    events = list(deployment.sdk().runs.messages.stream(run.id))

    assert [event.message_type for event in events] == [
        "user_message",
        "reasoning_message",
        "assistant_message",
        "tool_call_message",
        "tool_return_message",
        "assistant_message",
        "stop_reason",
        "usage_statistics",
    ]


@pytest.mark.parametrize("starting_after", [0, 1, 5, 6, 100])
def test_stream_goes_on_after_the_number_that_the_client_has(
    deployment: Deployment, provider: ScriptedModel, starting_after: int
) -> None:
    run = execute(deployment, provider, THINKING_STEP, Reply("Done."))

    events: list[Any] = list(deployment.sdk().runs.messages.stream(run.id, starting_after=starting_after))

    assert [event.seq_id for event in events[:-2]] == list(range(starting_after + 1, 7))


def test_active_run_is_followed_to_its_end(deployment: Deployment, provider: ScriptedModel) -> None:
    run = deployment.post(deployment.create_agent().id)
    with runner_at_work(deployment):
        events: list[Any] = list(deployment.sdk().runs.messages.stream(run.id))

    kinds = [event.message_type for event in events]
    assert kinds == ["user_message", "assistant_message", "stop_reason", "usage_statistics"]
    assert len(provider.requests) == 1


def test_stream_of_a_run_that_goes_on_ends_without_a_stop_reason(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = deployment.post(deployment.create_agent().id)
    monkeypatch.setattr(wait.Waiting.__init__, "__defaults__", (0.1,))

    response = deployment.http().post(f"/v1/runs/{run.id}/stream", json={})

    assert response.headers["content-type"] == "text/event-stream"
    assert response.text == "data: [DONE]\n\n"


@pytest.mark.parametrize("body", [{"starting_after": -1}, {"starting_after": "x"}, {"batch_size": 0}, [], None])
def test_bad_bodies_are_refused(standing: Deployment, body: Any) -> None:
    with standing.tries_no_write():
        assert_refused(standing.http().post(f"/v1/runs/{UNKNOWN_RUN}/stream", json=body), 422)


def test_runs_that_are_none_are_refused(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, Reply("Done."))
    with deployment.tries_no_write():
        assert_refused(deployment.http().post("/v1/runs/run-1/stream", json={}), 400)
        assert_refused(deployment.http().post(f"/v1/runs/{UNKNOWN_RUN}/stream", json={}), 404)
        assert_refused(deployment.stranger.http().post(f"/v1/runs/{run.id}/stream", json={}), 404)
