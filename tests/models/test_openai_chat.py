"""What is peculiar to Chat Completions and to the servers that imitate it."""

import json
from typing import Any

import pytest

from models.adapters import Adapter
from models.builders import assistant, request, returns, system, user
from nightshift.domain.errors import ModelCallError
from nightshift.domain.message import ReasoningPart, TextPart, ToolCall, ToolReturn, ToolSchema
from nightshift.domain.stop_reason import StopReason
from nightshift.models.chat_request import chat_messages
from nightshift.models.openai_client import DEFAULT_BASE_URL, is_openais_own
from nightshift.models.port import Finish
from support.scripted_model.answers import Call, ErrorReply, RawReply, Reply, TokenCounts
from support.scripted_model.rules import echo_history
from support.scripted_model.server import ScriptedModel


def _completion(message: dict[str, Any], finish: str = "stop", **fields: Any) -> RawReply:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return RawReply(json.dumps({"choices": [choice], **fields}))


def test_body_is_what_the_api_documents(openai: Adapter) -> None:
    tool = ToolSchema("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}})
    with ScriptedModel(Reply("3")) as scripted:
        openai.ask(
            scripted,
            user("1 + 2?", name="Bob"),
            assistant("hm", calls=(ToolCall("call_1", "add", '{"a": 1}'),)),
            returns(ToolReturn("call_1", "add", "3", "success")),
            system="You count.",
            tools=(tool,),
            max_tokens=9,
            temperature=0.5,
        )
        (seen,) = scripted.requests
    call = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    offered = {"name": "add", "description": "Adds.", "parameters": tool.parameters}
    assert seen.body == {
        "model": "scripted",
        "messages": [
            {"role": "system", "content": "You count."},
            {"role": "user", "content": "1 + 2?"},
            {"role": "assistant", "content": "hm", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "3"},
        ],
        "tools": [{"type": "function", "function": offered}],
        "max_tokens": 9,
        "temperature": 0.5,
    }


def test_body_without_options_leaves_them_out(openai: Adapter) -> None:
    with ScriptedModel(Reply("hi")) as scripted:
        openai.ask(scripted)
        (seen,) = scripted.requests
    assert set(seen.body) == {"model", "messages"}


def test_system_message_within_keeps_its_role_and_reasoning_stays_here() -> None:
    drafts = (user("a", "b"), system("now in French"), assistant("oui", thoughts=(ReasoningPart("hm"),)))
    assert chat_messages(" ", request(*drafts).messages) == [
        {"role": "user", "content": "a\nb"},
        {"role": "system", "content": "now in French"},
        {"role": "assistant", "content": "oui"},
    ]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_of_compatible_servers_is_read(openai: Adapter, field: str) -> None:
    with ScriptedModel(_completion({"content": "42", field: "six times nine?"})) as scripted:
        assert openai.ask(scripted).content == (ReasoningPart("six times nine?", maker="openai"), TextPart("42"))


def test_text_in_parts_is_joined(openai: Adapter) -> None:
    content = [{"type": "text", "text": "forty"}, {"type": "text", "text": "-two"}]
    with ScriptedModel(_completion({"content": content})) as scripted:
        assert openai.ask(scripted).content == (TextPart("forty-two"),)


def test_refusal_is_what_the_model_says(openai: Adapter) -> None:
    with ScriptedModel(_completion({"content": None, "refusal": "I would rather not."})) as scripted:
        assert openai.ask(scripted).content == (TextPart("I would rather not."),)


def test_calls_count_although_the_server_says_stop_and_sends_no_ids(openai: Adapter) -> None:
    call = {"type": "function", "function": {"name": "ping", "arguments": ""}}
    with ScriptedModel(_completion({"content": None, "tool_calls": [call, {**call, "id": ""}]}, "stop")) as scripted:
        answer = openai.ask(scripted)
    assert answer.finish is Finish.TOOL_CALLS
    assert [call.arguments for call in answer.tool_calls] == ["{}", "{}"]
    assert len({call.id for call in answer.tool_calls} - {""}) == 2


def test_usage_details_are_counted(openai: Adapter) -> None:
    with ScriptedModel(Reply("hi", tokens=TokenCounts(20, 9, cached=16, reasoning=4))) as scripted:
        usage = openai.ask(scripted).usage
    assert (usage.cached_input_tokens, usage.reasoning_tokens, usage.total_tokens) == (16, 4, 29)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "prompt_tokens_details": None}])
def test_usage_that_is_missing_counts_nothing(openai: Adapter, usage: Any) -> None:
    with ScriptedModel(_completion({"content": "hi"}, usage=usage)) as scripted:
        assert openai.ask(scripted).usage.total_tokens == 0


def test_request_id_is_the_header_or_the_completions_id(openai: Adapter) -> None:
    with ScriptedModel(_completion({"content": "hi"}, id="chatcmpl-1")) as scripted:
        assert openai.ask(scripted).request_id == "chatcmpl-1"


@pytest.mark.parametrize(
    "body",
    [
        '{"choices": [{"finish_reason": "stop"}]}',
        '{"choices": [{"message": "hello"}]}',
        '{"choices": [{"message": {"content": 42}}]}',
        '{"choices": [{"message": {"tool_calls": [{"id": "call_1"}]}}]}',
        '{"choices": [{"message": {"tool_calls": [{"id": "call_1", "function": {"name": ""}}]}}]}',
        '{"choices": [7]}',
    ],
)
def test_completion_of_the_wrong_shape_is_an_invalid_response(openai: Adapter, body: str) -> None:
    with ScriptedModel(RawReply(body)) as scripted, pytest.raises(ModelCallError) as raised:
        openai.ask(scripted)
    assert raised.value.stop_reason is StopReason.INVALID_LLM_RESPONSE


def test_account_without_credit_is_not_a_rate_limit(openai: Adapter) -> None:
    answer = ErrorReply(429, "You exceeded your current quota", "insufficient_quota")
    with ScriptedModel(answer, rule=echo_history) as scripted:
        with pytest.raises(ModelCallError) as raised:
            openai.ask(scripted)
        assert len(scripted.requests) == 1
    assert raised.value.stop_reason is StopReason.INSUFFICIENT_CREDITS


def test_provider_that_says_repeating_is_useless_is_believed(openai: Adapter) -> None:
    answer = ErrorReply(500, headers={"x-should-retry": "false"})
    with ScriptedModel(answer, rule=echo_history) as scripted:
        with pytest.raises(ModelCallError):
            openai.ask(scripted)
        assert len(scripted.requests) == 1


@pytest.mark.parametrize("body", ['{"detail": "no such thing"}', '{"error": "no such thing"}', "no such thing"])
def test_words_of_other_servers_errors_are_found(openai: Adapter, body: str) -> None:
    with ScriptedModel(RawReply(body, status=404)) as scripted, pytest.raises(ModelCallError, match="no such thing"):
        openai.ask(scripted)


def test_scripted_call_without_id_gets_one(openai: Adapter) -> None:
    with ScriptedModel(Reply(tool_calls=(Call("ping"),))) as scripted:
        assert openai.ask(scripted).tool_calls[0].id.startswith("call_")


@pytest.mark.parametrize(
    ("base_url", "is_own"),
    [(DEFAULT_BASE_URL, True), ("https://mine.openai.azure.com/openai/v1", True), ("http://127.0.0.1:9/v1", False)],
)
def test_openai_itself_is_known_by_its_host(base_url: str, is_own: bool) -> None:
    assert is_openais_own(base_url) is is_own
