"""What is peculiar to OpenAI's Responses, and which models are asked by them."""

import json
from typing import Any

import pytest

from models.adapters import Adapter
from models.builders import assistant, request, returns, system, user
from nightshift.domain.content import OmittedReasoningPart, ReasoningPart, ReasoningSummary, SummarizedReasoningPart
from nightshift.domain.errors import ModelCallError
from nightshift.domain.message import TextPart, ToolCall, ToolReturn, ToolSchema
from nightshift.domain.stop_reason import StopReason
from nightshift.models.openai_client import is_openais_own
from nightshift.models.port import Finish, Reasoning
from nightshift.models.reasoning_effort import effort_at_openai, reasons
from nightshift.models.responses_request import MAKER, responses_request
from support.scripted_model.answers import RawReply, Reply
from support.scripted_model.server import ScriptedModel

_CALL = ToolCall("call_1", "add", '{"a": 1}')
_TOOL = ToolSchema("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}})


def _response(output: object, **fields: Any) -> RawReply:
    return RawReply(json.dumps({"status": "completed", "output": output, **fields}))


def test_request_is_what_the_api_documents(responses: Adapter) -> None:
    with ScriptedModel(Reply("3")) as scripted:
        responses.ask(
            scripted,
            user("1 + 2?"),
            assistant("hm", calls=(_CALL,)),
            returns(ToolReturn("call_1", "add", "3", "success")),
            system("now in French"),
            system="You count.",
            tools=(_TOOL,),
            max_tokens=99,
            temperature=0.5,
        )
        (seen,) = scripted.requests
    assert seen.path == "/v1/responses"
    assert seen.body == {
        "model": "scripted",
        "instructions": "You count.",
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "1 + 2?"}]},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hm"}]},
            {"type": "function_call", "call_id": "call_1", "name": "add", "arguments": '{"a": 1}'},
            {"type": "function_call_output", "call_id": "call_1", "output": "3"},
            {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "now in French"}]},
        ],
        "tools": [
            {
                "type": "function",
                "name": "add",
                "description": "Adds.",
                "parameters": _TOOL.parameters,
                "strict": False,
            }
        ],
        "max_output_tokens": 99,
        "temperature": 0.5,
        "include": ["reasoning.encrypted_content"],
        "store": False,
    }


def test_model_that_reasons_is_asked_for_a_summary_and_given_no_temperature() -> None:
    body = responses_request(request(model="gpt-5", temperature=0.5, reasoning=Reasoning(effort="high")))
    assert body["reasoning"] == {"summary": "auto", "effort": "high"}
    assert "temperature" not in body


@pytest.mark.parametrize(
    ("model", "effort"),
    [
        ("gpt-5", "minimal"),
        ("gpt-5-mini", "minimal"),
        ("gpt-5.1", "none"),
        ("o3", "low"),
        ("o4-mini", "low"),
        ("gpt-5-pro", "low"),
        ("gpt-4o", None),
    ],
)
def test_reasoning_is_switched_off_as_far_as_the_model_can(model: str, effort: str | None) -> None:
    assert effort_at_openai(request(model=model, reasoning=Reasoning(is_on=False))) == effort


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("o3", True),
        ("o4-mini", True),
        ("gpt-5", True),
        ("gpt-5.2-codex", True),
        ("gpt-6", True),
        ("gpt-4o", False),
        ("gpt-4.1", False),
        ("gpt-5-chat-latest", False),
    ],
)
def test_models_that_reason_are_known_by_their_names(model: str, expected: bool) -> None:
    assert reasons(model) is expected


@pytest.mark.parametrize(("model", "path"), [("o3", "/v1/responses"), ("gpt-4o", "/v1/chat/completions")])
def test_openai_itself_is_asked_by_the_protocol_that_serves_the_model(
    openai: Adapter, model: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nightshift.models.openai_client._OWN_HOSTS", ("127.0.0.1",))
    with ScriptedModel(Reply("hi")) as scripted:
        assert is_openais_own(scripted.openai_base_url)
        openai.ask(scripted, model=model)
        assert scripted.requests[-1].path == path


def test_other_servers_are_asked_by_chat_completions_whatever_the_model(openai: Adapter) -> None:
    with ScriptedModel(Reply("hi")) as scripted:
        openai.ask(scripted, model="gpt-5")
        assert scripted.requests[-1].path == "/v1/chat/completions"


def test_thought_stands_before_what_it_led_to_and_alone_is_left_out() -> None:
    first = SummarizedReasoningPart("rs_1", (ReasoningSummary(0, "First."),), "ZW5j", MAKER)
    second = SummarizedReasoningPart("rs_2", (), "ZW5k", MAKER)
    lost = SummarizedReasoningPart("rs_3", (), None, MAKER)
    called = assistant(calls=(_CALL,), thoughts=(first, lost, TextPart("hm"), second))
    body = responses_request(request(user("hi"), called, returns(ToolReturn("call_1", "add", "3", "success"))))
    assert [item.get("id", item["type"]) for item in body["input"][1:]] == [
        "rs_1",
        "message",
        "rs_2",
        "function_call",
        "function_call_output",
    ]
    alone = responses_request(
        request(user("hi"), assistant("yes", thoughts=()), assistant(thoughts=(first,)), user("ok"))
    )
    assert "rs_1" not in json.dumps(alone)


@pytest.mark.parametrize(
    ("item", "part"),
    [
        (
            {"id": "rs_1", "summary": [{"text": "First."}, {"text": "Then."}], "encrypted_content": "ZW5j"},
            SummarizedReasoningPart(
                "rs_1", (ReasoningSummary(0, "First."), ReasoningSummary(1, "Then.")), "ZW5j", MAKER
            ),
        ),
        (
            {"id": "rs_1", "summary": [], "encrypted_content": "ZW5j"},
            SummarizedReasoningPart("rs_1", (), "ZW5j", MAKER),
        ),
        ({"id": "rs_1", "summary": []}, OmittedReasoningPart(maker=MAKER)),
        ({"id": "rs_1", "content": [{"type": "reasoning_text", "text": "hm"}]}, ReasoningPart("hm", maker=MAKER)),
    ],
)
def test_reasoning_is_read_in_the_form_that_fits(responses: Adapter, item: dict[str, Any], part: object) -> None:
    said = {"type": "message", "content": [{"type": "output_text", "text": "42"}]}
    with ScriptedModel(_response([{"type": "reasoning", **item}, said])) as scripted:
        assert responses.ask(scripted).content == (part, TextPart("42"))


def test_refusal_is_what_the_model_says(responses: Adapter) -> None:
    with ScriptedModel(
        _response([{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}])
    ) as scripted:
        assert responses.ask(scripted).content == (TextPart("No."),)


def test_answer_that_ran_out_of_tokens_says_so(responses: Adapter) -> None:
    cut = _response([], status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    with ScriptedModel(cut) as scripted:
        assert responses.ask(scripted).finish is Finish.LENGTH


@pytest.mark.parametrize(
    "answer",
    [
        _response(None),
        _response("hello"),
        _response([7]),
        _response([{"type": "function_call", "name": "add"}]),
        _response([], status="failed"),
    ],
)
def test_answer_of_the_wrong_shape_is_an_invalid_response(responses: Adapter, answer: RawReply) -> None:
    with ScriptedModel(answer) as scripted, pytest.raises(ModelCallError) as raised:
        responses.ask(scripted)
    assert raised.value.stop_reason is StopReason.INVALID_LLM_RESPONSE


@pytest.mark.parametrize(
    ("wanted", "sent"),
    [
        ({"type": "json_object"}, {"format": {"type": "json_object"}}),
        (
            {"type": "json_schema", "json_schema": {"name": "sum", "schema": {"type": "object"}}},
            {"format": {"type": "json_schema", "name": "sum", "schema": {"type": "object"}}},
        ),
    ],
)
def test_format_of_the_answer_is_asked_for(wanted: dict[str, Any], sent: dict[str, Any]) -> None:
    assert responses_request(request(response_format=wanted))["text"] == sent
