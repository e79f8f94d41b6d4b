"""The forms that wait for a run: POST …/messages and …/messages/stream (letta_api_spec §1.4, §5.2)."""

import pytest
from letta_client import APIStatusError, InternalServerError, NotFoundError, RateLimitError

from intake.deployment import UNKNOWN_AGENT, Deployment
from intake.executed_runs import THINKING_STEP
from intake.refusals import assert_refused, read_json
from intake.waiting_runner import runner_at_work
from nightshift.intake import wait
from support.scripted_model.answers import ErrorReply, Reply, TokenCounts
from support.scripted_model.server import ScriptedModel


def test_answer_holds_what_the_agent_said_and_what_it_cost(deployment: Deployment, provider: ScriptedModel) -> None:
    agent = deployment.create_agent()
    provider.play([THINKING_STEP, Reply("Done.", tokens=TokenCounts(prompt=5, completion=2))])
    with runner_at_work(deployment):
        response = deployment.sdk().agents.messages.create(agent.id, input="hello")

    kinds = [message.message_type for message in response.messages]
    assert kinds == [
        "reasoning_message",
        "assistant_message",
        "tool_call_message",
        "tool_return_message",
        "assistant_message",
    ]
    assert response.stop_reason.stop_reason == "end_turn"
    assert (response.usage.step_count, response.usage.total_tokens) == (2, 127)
    assert response.usage.run_ids
    (run,) = deployment.sdk().runs.list(agent_id=agent.id).items
    assert response.usage.run_ids == [run.id]


@pytest.mark.parametrize(
    ("status", "expected", "kind"),
    [
        (429, 429, "llm_rate_limit"),
        (402, 402, "llm_insufficient_credits"),
        (401, 401, "llm_authentication"),
        (400, 400, "llm_bad_request"),
        (404, 500, "llm_error"),
    ],
)
def test_failure_of_the_provider_is_the_answer(
    deployment: Deployment, provider: ScriptedModel, status: int, expected: int, kind: str
) -> None:
    agent = deployment.create_agent()
    provider.play(rule=lambda _seen: ErrorReply(status, "no"))
    with runner_at_work(deployment), pytest.raises(APIStatusError) as raised:
        deployment.sdk().agents.messages.create(agent.id, input="hello")

    body = raised.value.body
    assert isinstance(body, dict)
    assert raised.value.status_code == expected
    assert body["error"]["type"] == kind
    assert raised.value.response.headers["x-should-retry"] == "false"
    (run,) = deployment.sdk().runs.list(agent_id=agent.id).items
    assert run.status == "failed"


def test_rate_limit_is_the_sdks_own_error(deployment: Deployment, provider: ScriptedModel) -> None:
    agent = deployment.create_agent()
    provider.play(rule=lambda _seen: ErrorReply(429, "slow down"))
    with runner_at_work(deployment), pytest.raises(RateLimitError):
        deployment.sdk().agents.messages.create(agent.id, input="hello")


def test_run_that_takes_too_long_is_named_and_goes_on(
    deployment: Deployment, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = deployment.create_agent()
    monkeypatch.setattr(wait.Waiting.__init__, "__defaults__", (0.2,))
    with pytest.raises(InternalServerError) as raised:
        deployment.sdk().agents.messages.create(agent.id, input="hello")

    assert raised.value.status_code == 504
    assert raised.value.response.headers["x-should-retry"] == "false"
    body = raised.value.body
    assert isinstance(body, dict)
    deployment.answer_doorbells()
    assert deployment.sdk().runs.retrieve(body["detail"]["run_id"]).status == "completed"
    assert len(provider.requests) == 1


def test_stream_gives_numbered_messages_then_how_it_ended(deployment: Deployment, provider: ScriptedModel) -> None:
    agent = deployment.create_agent()
    provider.play([THINKING_STEP, Reply("Done.")])
    with runner_at_work(deployment):
        events = list(deployment.sdk().agents.messages.stream(agent.id, input="hello"))

    kinds = [event.message_type for event in events]
    assert kinds[-3:] == ["assistant_message", "stop_reason", "usage_statistics"]
    assert kinds[0] == "reasoning_message"
    assert [event.seq_id for event in events[:-2]] == list(range(2, 7))  # type: ignore[union-attr]  # one kind of a union, as the test sees to


def test_stream_of_a_failed_run_tells_the_error(deployment: Deployment, provider: ScriptedModel) -> None:
    agent = deployment.create_agent()
    provider.play(rule=lambda _seen: ErrorReply(401, "no"))
    with runner_at_work(deployment):
        events = list(deployment.sdk().agents.messages.stream(agent.id, input="hello"))

    assert [event.message_type for event in events] == ["error_message", "stop_reason", "usage_statistics"]
    assert events[0].error_type == "llm_authentication"  # type: ignore[union-attr]  # one kind of a union, as the test sees to


def test_streaming_field_turns_the_answer_into_a_stream(deployment: Deployment, provider: ScriptedModel) -> None:
    agent = deployment.create_agent()
    with runner_at_work(deployment):
        response = deployment.http().post(f"/v1/agents/{agent.id}/messages", json={"input": "a", "streaming": True})

    assert response.headers["content-type"] == "text/event-stream"
    assert response.text.endswith("data: [DONE]\n\n")
    assert len(provider.requests) == 1


@pytest.mark.parametrize("path", ["messages", "messages/stream"])
def test_bad_requests_are_refused_and_write_nothing(standing: Deployment, path: str) -> None:
    with standing.tries_no_write():
        unknown = standing.http().post(f"/v1/agents/agent-1/{path}", json={"input": "a"})
        assert_refused(unknown, 422)
        assert_refused(standing.http().post(f"/v1/agents/{UNKNOWN_AGENT}/{path}", json={}), 422)
    with standing.writes_nothing(), pytest.raises(NotFoundError):
        standing.sdk().agents.messages.create(UNKNOWN_AGENT, input="a")


def test_cancelled_run_answers_its_waiting_client(deployment: Deployment, provider: ScriptedModel) -> None:
    agent = deployment.create_agent()

    def cancel(_seen: object) -> Reply:
        deployment.sdk().agents.messages.cancel(agent.id)
        return Reply("too late")

    provider.play(rule=cancel)
    with runner_at_work(deployment):
        response = deployment.http().post(f"/v1/agents/{agent.id}/messages", json={"input": "a"})

    assert response.status_code == 200
    assert read_json(response)["stop_reason"]["stop_reason"] == "cancelled"
    assert read_json(response)["messages"] == []
