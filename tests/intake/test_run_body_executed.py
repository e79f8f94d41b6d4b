"""What the runner makes of approvals, images and display fields of a request (letta_api_spec §1.2, §2.1, §3.6)."""

import json
from typing import Any

import pytest
from letta_client import BadRequestError

from intake.deployment import Deployment
from intake.executed_runs import execute
from intake.refusals import read_json
from support.scripted_model.answers import Reply
from support.scripted_model.server import ScriptedModel

type Json = dict[str, Any]

PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo=", "detail": "low"}
USER = {"role": "user", "content": "hello"}
WITHOUT_TEXT: Json = {"text": None}
DECISION = {"type": "approval", "tool_call_id": "call_1", "approve": False, "reason": "too much"}
RETURN = {"type": "tool", "tool_call_id": "call_2", "tool_return": "done", "status": "success"}


@pytest.mark.parametrize(
    "item",
    [
        {"type": "approval", "approvals": [DECISION]},
        {"approve": True, "approval_request_id": "message-1"},
        {"tool_returns": [RETURN]},
    ],
    ids=lambda item: str(item)[:30],
)
def test_answer_to_nothing_is_refused_at_once_and_behind_another_run_when_it_is_executed(
    deployment: Deployment, provider: ScriptedModel, item: Json
) -> None:
    client, agent = deployment.sdk(), deployment.create_agent()
    with pytest.raises(BadRequestError, match="No tool call is currently awaiting approval"):
        deployment.post(agent.id, messages=[item, USER], **WITHOUT_TEXT)

    provider.play([Reply("first")])
    deployment.post(agent.id, "first")
    run = deployment.post(agent.id, messages=[item, USER], **WITHOUT_TEXT)
    deployment.answer_doorbells()

    run = client.runs.retrieve(run.id)
    assert (run.status, run.stop_reason) == ("failed", "error")
    assert run.metadata
    assert "No tool call is currently awaiting approval" in str(run.metadata["error"])
    assert len(provider.requests) == 1
    assert client.runs.messages.list(run.id).items == []

    provider.play([Reply("here I am")])
    later = deployment.post(run.agent_id, "still there?")
    deployment.answer_doorbells()
    assert client.runs.retrieve(later.id).status == "completed"
    assert provider.requests[-1].texts_of("user") == ["first", "still there?"]


def test_image_at_an_address_that_nobody_reads_fails_its_run(deployment: Deployment, provider: ScriptedModel) -> None:
    image = {"type": "image", "source": {"type": "url", "url": "ftp://example.com/a.png"}}
    run = execute(deployment, provider, text=[{"type": "text", "text": "what is it?"}, image])
    assert run.status == "failed"
    assert run.metadata
    assert str(run.metadata["error"]).startswith("INVALID_ARGUMENT: ")
    assert len(deployment.sdk().runs.messages.list(run.id).items) == 1


def test_image_reaches_the_model_and_is_shown(deployment: Deployment, provider: ScriptedModel) -> None:
    parts = [{"type": "text", "text": "what is it?"}, {"type": "image", "source": PNG}]
    run = execute(deployment, provider, Reply("a label"), text=parts)
    assert run.status == "completed"
    (seen,) = provider.requests
    url = "data:image/png;base64,iVBORw0KGgo="
    assert seen.body["messages"][-1]["content"] == [
        {"type": "text", "text": "what is it?"},
        {"type": "image_url", "image_url": {"url": url, "detail": "low"}},
    ]
    shown = read_json(deployment.http().get(f"/v1/runs/{run.id}/messages"))
    assert shown[0]["content"] == parts
    assert json.dumps(shown).count("iVBORw0KGgo=") == 1


def test_times_and_config_are_the_same_wherever_the_run_is_shown(
    deployment: Deployment, provider: ScriptedModel
) -> None:
    types = ["assistant_message"]
    run = execute(
        deployment, provider, Reply("yes"), include_return_message_types=types, assistant_message_tool_name="tell"
    )
    (listed,) = read_json(deployment.http().get("/v1/runs/", params={"agent_id": run.agent_id}))
    shown = read_json(deployment.http().get(f"/v1/runs/{run.id}"))
    for found in (listed, shown):
        assert 0 < found["ttft_ns"] <= found["total_duration_ns"]
        assert found["request_config"] == {
            "use_assistant_message": True,
            "assistant_message_tool_name": "tell",
            "assistant_message_tool_kwarg": "message",
            "include_return_message_types": types,
        }
    assert listed == shown
