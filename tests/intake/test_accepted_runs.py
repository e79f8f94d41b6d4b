"""Accepting a run: what is answered, what is written, what it costs, and what it survives (promises 2 and 3)."""

import json
import re
from typing import Any

import pytest

from intake.deployment import Deployment
from intake.refusals import read_json
from nightshift.domain.ids import id_pattern
from nightshift.domain.message import Role
from support.scripted_model.server import ScriptedModel

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

ACCEPTED_CALLBACK_URLS = (
    "http://localhost:8283/callback",
    "http://127.0.0.1:9/",
    "https://example.com",
    "HTTPS://EXAMPLE.COM/Hook?key=a%20b&list=1,2#fragment",
    "https://[2001:db8::1]:8443/hook",
    "https://bücher.example/grüße",
)


def test_answer_is_the_run_with_every_field_of_the_specification(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    body = {
        "messages": [{"role": "user", "content": "Where is order A-17?"}],
        "callback_url": "https://hooks.example.org/letta",
        "include_return_message_types": ["assistant_message", "tool_call_message"],
        "use_assistant_message": False,
        "assistant_message_tool_name": "tell",
        "assistant_message_tool_kwarg": "words",
    }
    response = deployment.http().post(f"/v1/agents/{agent.id}/messages/async", json=body)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    run = read_json(response)
    assert re.fullmatch(id_pattern("run"), run.pop("id"))
    assert TIME.fullmatch(run.pop("created_at"))
    assert run == {
        "agent_id": agent.id,
        "status": "created",
        "stop_reason": None,
        "completed_at": None,
        "background": True,
        "conversation_id": None,
        "base_template_id": None,
        "metadata": {"run_type": "send_message_async", "lettuce": None},
        "request_config": {
            "use_assistant_message": False,
            "assistant_message_tool_name": "tell",
            "assistant_message_tool_kwarg": "words",
            "include_return_message_types": ["assistant_message", "tool_call_message"],
        },
        "callback_url": "https://hooks.example.org/letta",
        "callback_sent_at": None,
        "callback_status_code": None,
        "callback_error": None,
        "ttft_ns": None,
        "total_duration_ns": None,
    }


def test_run_is_readable_at_once_as_it_was_answered(deployment: Deployment) -> None:
    client = deployment.sdk()
    run = deployment.post(deployment.create_agent().id, callback_url="https://hooks.example.org/letta")
    assert client.runs.retrieve(run.id) == run
    assert client.runs.list().items == [run]
    assert client.runs.messages.list(run.id).items == []
    assert client.runs.steps.list(run.id).items == []
    assert client.runs.usage.retrieve(run.id).total_tokens == 0


def test_defaults_of_the_request_config(deployment: Deployment) -> None:
    config = deployment.post(deployment.create_agent().id).request_config
    assert config
    assert config.to_dict() == {
        "use_assistant_message": True,
        "assistant_message_tool_name": "send_message",
        "assistant_message_tool_kwarg": "message",
        "include_return_message_types": None,
    }


def test_accepting_makes_one_transaction_and_one_send(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    deployment.stack.calls.clear()
    deployment.post(agent.id, callback_url="https://hooks.example.org/letta")
    assert [call.operation for call in deployment.stack.calls] == ["TransactWriteItems", "SendMessage"]


def test_doorbell_names_tenant_and_conversation_and_no_content(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    deployment.post(agent.id, "a secret")
    (message,) = deployment.stack.messages("RunQueue")
    body = json.loads(message["Body"])
    assert body.pop("correlation_id")
    assert body == {"tenant": deployment.tenant, "subject": agent.id}


@pytest.mark.parametrize(
    "fields",
    [
        {"input": "hello"},
        {"input": [{"type": "text", "text": "hello"}]},
        {"input": [{"text": "hello"}]},
        {"input": "hello", "messages": None},
        {"messages": [{"role": "user", "content": "hello"}], "input": None},
        {"messages": [{"type": "message", "role": "user", "content": [{"type": "text", "text": "hello"}]}]},
    ],
)
def test_every_form_of_one_user_message_is_the_same(deployment: Deployment, fields: dict[str, Any]) -> None:
    agent = deployment.create_agent()
    response = deployment.http().post(f"/v1/agents/{agent.id}/messages/async", json=fields)
    assert response.status_code == 200, response.text
    run = deployment.database.runs.get(deployment.tenant, read_json(response)["id"])
    assert run
    (draft,) = deployment.database.runs.get_request(run).inputs
    assert (draft.role, draft.text, draft.name) == (Role.USER, "hello", None)
    assert draft.otid


def test_messages_keep_their_order_and_every_field(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    own = {"name": "Bob", "otid": "otid-1", "sender_id": "s-1", "group_id": "g-1", "batch_item_id": "b-1"}
    run_id = (
        deployment.sdk()
        .agents.messages.create_async(
            agent.id,
            messages=[
                {"role": "system", "content": "Be kind."},
                {"role": "assistant", "content": "Hello, Bob."},
                {"role": "user", "content": [{"type": "text", "text": "1"}, {"type": "text", "text": "2"}], **own},  # type: ignore[list-item]  # the SDK's types are narrower than the API
            ],
        )
        .id
    )
    run = deployment.database.runs.get(deployment.tenant, run_id)
    assert run
    inputs = deployment.database.runs.get_request(run).inputs
    assert [(draft.role, draft.text) for draft in inputs] == [
        (Role.SYSTEM, "Be kind."),
        (Role.ASSISTANT, "Hello, Bob."),
        (Role.USER, "1\n2"),
    ]
    assert {name: getattr(inputs[2], name) for name in own} == own
    assert len({draft.otid for draft in inputs}) == 3


@pytest.mark.parametrize("url", ACCEPTED_CALLBACK_URLS)
def test_callback_url_is_kept_as_it_was_sent(deployment: Deployment, url: str) -> None:
    run = deployment.post(deployment.create_agent().id, callback_url=url)
    assert deployment.sdk().runs.retrieve(run.id).callback_url == url


def test_content_type_may_have_parameters_or_be_missing(deployment: Deployment) -> None:
    path = f"/v1/agents/{deployment.create_agent().id}/messages/async"
    for headers in ({"content-type": "Application/JSON; charset=UTF-8"}, {"content-type": "application/x+json"}, {}):
        response = deployment.http().post(path, content='{"input": "名前"}'.encode(), headers=headers)
        assert response.status_code == 200, response.text


def test_repeated_message_types_are_kept_once(deployment: Deployment) -> None:
    types = ["user_message", "assistant_message"] * 50_000
    run = deployment.post(deployment.create_agent().id, include_return_message_types=types)
    assert run.request_config
    assert run.request_config.include_return_message_types == ["user_message", "assistant_message"]


def test_enable_thinking_may_be_string_or_bool(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    for value in ("false", True):
        deployment.post(agent.id, extra_body={"enable_thinking": value})


def test_request_of_a_megabyte_is_executed_and_read_back_whole(deployment: Deployment, provider: ScriptedModel) -> None:
    text = "名前 " * 150_000
    agent = deployment.create_agent()
    run = deployment.post(agent.id, text)
    assert len(deployment.objects()) == 1

    deployment.answer_doorbells()

    client = deployment.sdk()
    assert client.runs.retrieve(run.id).status == "completed"
    messages: list[Any] = client.runs.messages.list(run.id).items
    assert messages[0].content == text
    assert json.loads(messages[1].content)["user_messages"] == [text]
    (seen,) = provider.requests
    assert seen.texts_of("user") == [text]


@pytest.mark.parametrize("length", [65_000, 65_200, 65_300, 65_400, 65_600, 70_000])
def test_large_request_is_looked_for_before_its_object_is_written(deployment: Deployment, length: int) -> None:
    agent = deployment.create_agent()
    deployment.stack.calls.clear()
    deployment.post(agent.id, "x" * length)
    operations = [call.operation for call in deployment.stack.calls]
    if "PutObject" in operations:
        assert operations == ["GetItem", "PutObject", "TransactWriteItems", "SendMessage"]


def test_body_of_five_megabytes_is_accepted(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    frame = b'{"input": ""}'
    content = frame[:-2] + b"x" * (5 * 1024 * 1024 - len(frame)) + frame[-2:]
    response = deployment.http().post(
        f"/v1/agents/{agent.id}/messages/async", content=content, headers={"content-type": "application/json"}
    )
    assert response.status_code == 200
