"""What a run came to: its fields, messages, steps and usage after the real runner executed it."""

import re
from datetime import datetime
from typing import Any

from letta_client.types.agents import Run

from intake.deployment import Deployment
from intake.executed_runs import THINKING_STEP, execute
from intake.refusals import read_json
from nightshift.domain.callback import AttemptOutcome, DeliveryStatus, Settled
from nightshift.domain.ids import id_pattern
from support.clock import START
from support.scripted_model.answers import ErrorReply, Reply, TokenCounts
from support.scripted_model.server import ScriptedModel

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")


def _kinds(deployment: Deployment, run: Run, **query: Any) -> list[str]:
    return [str(message.message_type) for message in deployment.sdk().runs.messages.list(run.id, **query)]


def test_completed_run_has_every_field(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, THINKING_STEP, Reply("It is in transit."))
    shown = read_json(deployment.http().get(f"/v1/runs/{run.id}"))
    assert set(shown) == {
        "id", "agent_id", "status", "stop_reason", "created_at", "completed_at", "background", "conversation_id",
        "base_template_id", "metadata", "request_config", "callback_url", "callback_sent_at", "callback_status_code",
        "callback_error", "ttft_ns", "total_duration_ns",
    }  # fmt: skip
    assert (shown["status"], shown["stop_reason"], shown["background"]) == ("completed", "end_turn", True)
    assert TIME.fullmatch(shown["created_at"])
    assert TIME.fullmatch(shown["completed_at"])
    elapsed = datetime.fromisoformat(shown["completed_at"]) - datetime.fromisoformat(shown["created_at"])
    assert 0 < shown["ttft_ns"] <= shown["total_duration_ns"] <= elapsed.total_seconds() * 1e9
    assert (shown["callback_url"], shown["conversation_id"]) == (None, None)
    assert shown["metadata"] == {"run_type": "send_message_async", "lettuce": None}
    assert deployment.sdk().runs.list().items == [run]


def test_failed_run_keeps_the_reason_and_the_users_words(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, ErrorReply(400, "no such model here"), text="Where is A-17?")
    assert (run.status, run.stop_reason) == ("failed", "llm_api_error")
    assert run.metadata
    assert "no such model here" in str(run.metadata["error"])
    assert run.completed_at
    assert run.ttft_ns is None
    (message,) = deployment.sdk().runs.messages.list(run.id).items
    assert message.content == "Where is A-17?"  # type: ignore[union-attr]  # one kind of a union, as the test sees to
    (step,) = deployment.sdk().runs.steps.list(run.id).items
    assert (step.status, step.stop_reason) == ("failed", "llm_api_error")
    assert step.error_type
    assert step.error_data == {"message": run.metadata["error"]}


def test_messages_are_shown_in_parts_that_share_their_id(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, THINKING_STEP, Reply("It is in transit."), text="Where is A-17?")
    shown = read_json(deployment.http().get(f"/v1/runs/{run.id}/messages"))
    assert [message["message_type"] for message in shown] == [
        "user_message",
        "reasoning_message",
        "assistant_message",
        "tool_call_message",
        "tool_return_message",
        "assistant_message",
    ]
    user, reasoning, words, calls, returns, answer = shown
    assert reasoning["id"] == words["id"] == calls["id"]
    assert len({message["id"] for message in shown}) == 4
    assert len({message["otid"] for message in shown}) == 6
    assert len({message["step_id"] for message in shown}) == 2
    for message in shown:
        assert re.fullmatch(id_pattern("message"), message["id"])
        assert re.fullmatch(id_pattern("step"), message["step_id"])
        assert DATE.fullmatch(message["date"])
        assert (message["run_id"], message["is_err"], message["seq_id"]) == (run.id, None, None)
    assert (user["content"], words["content"], answer["content"]) == (
        "Where is A-17?",
        "Let me check.",
        "It is in transit.",
    )
    assert reasoning["reasoning"] == "The order id is known, look it up."
    assert calls["tool_calls"] == [
        {"name": "lookup_order", "arguments": '{"order_id": "A-17"}', "tool_call_id": "call_1"},
        {"name": "lookup_order", "arguments": "{}", "tool_call_id": "call_2"},
    ]
    assert calls["tool_call"] == calls["tool_calls"][0]
    assert (returns["name"], returns["status"], returns["tool_call_id"]) == ("lookup_order", "error", "call_1")
    assert [given["tool_call_id"] for given in returns["tool_returns"]] == ["call_1", "call_2"]


def test_messages_are_shown_only_of_the_types_asked_for(deployment: Deployment, provider: ScriptedModel) -> None:
    types = ["assistant_message", "tool_return_message"]
    run = execute(deployment, provider, THINKING_STEP, Reply("It is in transit."), include_return_message_types=types)
    expected = ["assistant_message", "tool_return_message", "assistant_message"]
    assert _kinds(deployment, run) == expected
    agents_own = [message.message_type for message in deployment.sdk().agents.messages.list(run.agent_id)]
    assert agents_own[:3] == ["system_message", "user_message", "reasoning_message"]


def test_step_has_every_field(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, THINKING_STEP, Reply("Done."))
    first = read_json(deployment.http().get(f"/v1/runs/{run.id}/steps?order=asc"))[0]
    assert re.fullmatch(id_pattern("step"), first.pop("id"))
    assert first.pop("model_endpoint") == provider.openai_base_url
    first.pop("request_id")
    assert first == {
        "run_id": run.id,
        "agent_id": run.agent_id,
        "status": "success",
        "stop_reason": None,
        "model": "scripted",
        "model_handle": "openai/scripted",
        "provider_name": "openai",
        "provider_category": "base",
        "provider_id": None,
        "origin": None,
        "context_window_limit": 128_000,
        "completion_tokens": 20,
        "prompt_tokens": 100,
        "total_tokens": 120,
        "cached_input_tokens": 40,
        "cache_write_tokens": None,
        "reasoning_tokens": 8,
        "completion_tokens_details": {"reasoning_tokens": 8},
        "prompt_tokens_details": {"cached_tokens": 40, "cache_read_tokens": 40, "cache_creation_tokens": 0},
        "tags": [],
        "tid": None,
        "trace_id": None,
        "messages": [],
        "feedback": None,
        "project_id": None,
        "error_type": None,
        "error_data": None,
    }


def test_usage_is_the_sum_over_all_steps(deployment: Deployment, provider: ScriptedModel) -> None:
    last = Reply("Done.", tokens=TokenCounts(prompt=1_000, completion=3))
    run = execute(deployment, provider, THINKING_STEP, last)
    usage = deployment.sdk().runs.usage.retrieve(run.id)
    assert usage.to_dict() == {
        "completion_tokens": 23,
        "prompt_tokens": 1_100,
        "total_tokens": 1_123,
        "completion_tokens_details": {"reasoning_tokens": 8},
        "prompt_tokens_details": {"cached_tokens": 40, "cache_read_tokens": 40, "cache_creation_tokens": 0},
    }


def test_override_model_and_system_hold_for_this_run_alone(deployment: Deployment, provider: ScriptedModel) -> None:
    agent = deployment.create_agent()
    deployment.post(agent.id, override_model="openai/org/other:7b", override_system="Answer in verse.")
    deployment.post(agent.id, extra_body={"system": "Answer in prose."})
    deployment.post(agent.id)
    deployment.answer_doorbells()
    assert [seen.model for seen in provider.requests] == ["org/other:7b", "scripted", "scripted"]
    systems = [seen.texts_of("system") for seen in provider.requests]
    assert systems[:2] == [["Answer in verse."], ["Answer in prose."]]
    assert systems[2][0].startswith("Be brief.")
    assert deployment.sdk().agents.retrieve(agent.id).model == "openai/scripted"


def test_max_steps_ends_the_run(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, *[THINKING_STEP] * 3, max_steps=2)
    assert (run.status, run.stop_reason) == ("completed", "max_steps")
    assert len(deployment.sdk().runs.steps.list(run.id).items) == 2


def test_callback_fields_tell_of_the_newest_attempt(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, Reply("Done."), callback_url="https://hooks.example.org/letta")
    assert (run.callback_sent_at, run.callback_status_code, run.callback_error) == (None, None, None)
    deliveries = deployment.database.deliveries
    delivery = deliveries.claim(deployment.tenant, run.id, START.replace(year=2100))
    assert delivery
    deliveries.record(delivery, AttemptOutcome(500, "answered 500"), Settled(DeliveryStatus.FAILED), START)
    for path in (f"/v1/runs/{run.id}", "/v1/runs/"):
        found = read_json(deployment.http().get(path))
        shown = found[0] if isinstance(found, list) else found
        assert shown["callback_sent_at"] == "2026-11-25T09:00:00.000000Z"
        assert (shown["callback_status_code"], shown["callback_error"]) == (500, "answered 500")
