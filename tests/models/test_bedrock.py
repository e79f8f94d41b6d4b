"""What is peculiar to Converse."""

import json
from typing import Any

import pytest

from models.adapters import Adapter
from models.builders import assistant, request, returns, system, user
from nightshift.domain.errors import ModelCallError
from nightshift.domain.message import ReasoningPart, TextPart, ToolCall, ToolReturn, ToolSchema
from nightshift.domain.stop_reason import StopReason
from nightshift.models.alternation import OPENING_TEXT
from nightshift.models.converse_request import converse_request
from nightshift.models.port import Finish
from support.scripted_model.answers import ErrorReply, RawReply, Reply, TokenCounts
from support.scripted_model.rules import echo_history
from support.scripted_model.server import ScriptedModel

_CALL = ToolCall("tooluse_1", "add", '{"a": 1}')
_TOOL = ToolSchema("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}})


def _converse_body(content: list[dict[str, Any]], stop_reason: str = "end_turn") -> RawReply:
    output = {"message": {"role": "assistant", "content": content}}
    return RawReply(json.dumps({"output": output, "stopReason": stop_reason, "usage": {}, "metrics": {"latencyMs": 1}}))


def test_request_is_what_the_api_documents(bedrock: Adapter) -> None:
    with ScriptedModel(Reply("3")) as scripted:
        bedrock.ask(
            scripted,
            user("1 + 2?"),
            assistant("hm", calls=(_CALL,)),
            returns(ToolReturn("tooluse_1", "add", "overflow", "error")),
            user("and?"),
            system="You count.",
            tools=(_TOOL,),
            max_tokens=9,
            temperature=0.5,
        )
        (seen,) = scripted.requests
    use = {"toolUseId": "tooluse_1", "name": "add", "input": {"a": 1}}
    result = {"toolUseId": "tooluse_1", "content": [{"text": "overflow"}], "status": "error"}
    spec = {"name": "add", "description": "Adds.", "inputSchema": {"json": _TOOL.parameters}}
    assert seen.model == "anthropic.scripted-v1:0"
    assert seen.body == {
        "system": [{"text": "You count."}],
        "messages": [
            {"role": "user", "content": [{"text": "1 + 2?"}]},
            {"role": "assistant", "content": [{"text": "hm"}, {"toolUse": use}]},
            {"role": "user", "content": [{"toolResult": result}, {"text": "and?"}]},
        ],
        "toolConfig": {"tools": [{"toolSpec": spec}]},
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.5},
    }


def test_request_without_options_leaves_them_out(bedrock: Adapter) -> None:
    with ScriptedModel(Reply("hi")) as scripted:
        bedrock.ask(scripted)
        (seen,) = scripted.requests
    assert set(seen.body) == {"messages"}


def test_window_that_begins_with_the_assistant_gets_an_opening() -> None:
    messages = converse_request(request(assistant("welcome back"), user("hi")))["messages"]
    assert messages[0] == {"role": "user", "content": [{"text": OPENING_TEXT}]}
    assert [message["role"] for message in messages] == ["user", "assistant", "user"]


def test_system_message_within_is_said_by_the_user() -> None:
    messages = converse_request(request(user("hi"), system("now in French")))["messages"]
    assert messages == [{"role": "user", "content": [{"text": "hi"}, {"text": "now in French"}]}]


def test_only_signed_reasoning_is_sent_back() -> None:
    signed = ReasoningPart("carry the one", signature="sig", maker="bedrock/anthropic")
    unsigned = ReasoningPart("hm", maker="bedrock/anthropic")
    messages = converse_request(request(user("hi"), assistant("3", thoughts=(signed, unsigned)), provider="bedrock"))[
        "messages"
    ]
    thought = {"reasoningContent": {"reasoningText": {"text": "carry the one", "signature": "sig"}}}
    assert messages[1]["content"] == [thought, {"text": "3"}]


def test_signature_of_reasoning_is_kept(bedrock: Adapter) -> None:
    with ScriptedModel(Reply("3", reasoning="carry the one", reasoning_signature="sig")) as scripted:
        thought = ReasoningPart("carry the one", signature="sig", maker="bedrock/anthropic")
        assert bedrock.ask(scripted).content == (thought, TextPart("3"))


def test_status_of_a_result_is_only_sent_to_families_that_take_it() -> None:
    drafts = (user("hi"), assistant(calls=(_CALL,)), returns(ToolReturn("tooluse_1", "add", "overflow", "error")))
    blocks = converse_request(request(*drafts, model="meta.llama3-1-8b-instruct-v1:0"))["messages"][2]["content"]
    assert blocks == [{"toolResult": {"toolUseId": "tooluse_1", "content": [{"text": "overflow"}]}}]


def test_empty_result_is_said_in_words() -> None:
    drafts = (user("hi"), assistant(calls=(_CALL,)), returns(ToolReturn("tooluse_1", "add", "", "success")))
    blocks = converse_request(request(*drafts))["messages"][2]["content"]
    assert blocks == [{"toolResult": {"toolUseId": "tooluse_1", "content": [{"text": "(no output)"}]}}]


def test_id_that_converse_refuses_is_replaced_alike_in_call_and_return(bedrock: Adapter) -> None:
    odd = "an id / of another provider, " + "x" * 64
    call, given = ToolCall(odd, "add", "{}"), ToolReturn(odd, "add", "3", "success")
    with ScriptedModel(Reply("taken")) as scripted:
        assert bedrock.ask(scripted, user("hi"), assistant(calls=(call,)), returns(given), tools=(_TOOL,)).content
        (seen,) = scripted.requests
    assert [len(call_id) for turn in seen.turns for call_id in turn.tool_calls] == [32]


def test_cached_tokens_are_part_of_the_prompts(bedrock: Adapter) -> None:
    tokens = TokenCounts(prompt=1_000, completion=10, cached=700, cache_write=200)
    with ScriptedModel(Reply("hi", tokens=tokens)) as scripted:
        usage = bedrock.ask(scripted).usage
        assert usage.prompt_tokens == 1_000
    assert (usage.cached_input_tokens, usage.cache_write_tokens, usage.total_tokens) == (700, 200, 1_010)


@pytest.mark.parametrize(
    ("stop_reason", "finish"),
    [
        ("end_turn", Finish.STOP),
        ("stop_sequence", Finish.STOP),
        ("guardrail_intervened", Finish.STOP),
        ("a_reason_of_tomorrow", Finish.STOP),
        ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.LENGTH),
        ("tool_use", Finish.TOOL_CALLS),
    ],
)
def test_stop_reasons_are_mapped(bedrock: Adapter, stop_reason: str, finish: Finish) -> None:
    with ScriptedModel(_converse_body([{"text": "hi"}], stop_reason)) as scripted:
        assert bedrock.ask(scripted).finish is finish


@pytest.mark.parametrize("stop_reason", ["malformed_model_output", "malformed_tool_use"])
def test_answer_that_the_model_got_wrong_is_an_invalid_response(bedrock: Adapter, stop_reason: str) -> None:
    answer = _converse_body([{"text": "hi"}], stop_reason)
    with ScriptedModel(answer) as scripted, pytest.raises(ModelCallError, match=stop_reason) as raised:
        bedrock.ask(scripted)
    assert raised.value.stop_reason is StopReason.INVALID_LLM_RESPONSE


@pytest.mark.parametrize(
    "body",
    [
        '{"output": {"message": {"content": [{"toolUse": {"name": "add", "input": {}}}]}}}',
        '{"output": {"message": {"content": [7]}}}',
        '{"output": {"message": "hello"}}',
        '{"output": {}, "metrics": "none"}',
    ],
)
def test_answer_of_the_wrong_shape_is_an_invalid_response(bedrock: Adapter, body: str) -> None:
    with ScriptedModel(RawReply(body)) as scripted, pytest.raises(ModelCallError) as raised:
        bedrock.ask(scripted)
    assert raised.value.stop_reason is StopReason.INVALID_LLM_RESPONSE


@pytest.mark.parametrize(
    ("status", "code", "error_type"),
    [
        (400, "ThrottlingException", "LLMBadRequestError"),
        (429, "ModelNotReadyException", "LLMRateLimitError"),
        (403, "ExpiredTokenException", "LLMAuthenticationError"),
        (403, "UnrecognizedClientException", "LLMAuthenticationError"),
        (403, "AccessDeniedException", "LLMPermissionDeniedError"),
        (400, "ServiceQuotaExceededException", "LLMRateLimitError"),
        (408, "ModelTimeoutException", "LLMTimeoutError"),
        (424, "ModelErrorException", "LLMServerError"),
    ],
)
def test_aws_codes_are_told_apart(bedrock: Adapter, status: int, code: str, error_type: str) -> None:
    with ScriptedModel(*[ErrorReply(status, "no", code)] * 3) as scripted, pytest.raises(ModelCallError) as raised:
        bedrock.ask(scripted)
    assert raised.value.error_type == error_type


def test_missing_credentials_are_an_authentication_error(bedrock: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with ScriptedModel(rule=echo_history) as scripted:
        with pytest.raises(ModelCallError, match="function's role") as raised:
            bedrock.ask(scripted)
        assert scripted.requests == []
    assert raised.value.error_type == "LLMAuthenticationError"


def test_request_that_the_sdk_refuses_is_a_bad_request(bedrock: Adapter) -> None:
    with ScriptedModel(rule=echo_history) as scripted:
        with pytest.raises(ModelCallError, match="ParamValidationError") as raised:
            bedrock.ask(scripted, max_tokens="many")
        assert scripted.requests == []
    assert raised.value.error_type == "LLMBadRequestError"
