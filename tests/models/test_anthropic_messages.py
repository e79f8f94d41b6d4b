"""What is peculiar to Anthropic's Messages."""

import json
from typing import Any

import pytest

from models.adapters import Adapter
from models.builders import assistant, request, returns, system, user
from nightshift.domain.content import ReasoningPart
from nightshift.domain.errors import ModelCallError
from nightshift.domain.message import TextPart, ToolCall, ToolReturn, ToolSchema
from nightshift.domain.stop_reason import StopReason
from nightshift.models.alternation import OPENING_TEXT
from nightshift.models.anthropic_request import DEFAULT_MAX_TOKENS, anthropic_request
from nightshift.models.claude_thinking import DEFAULT_BUDGET_TOKENS, thinking_of
from nightshift.models.port import Finish, Reasoning
from support.scripted_model.answers import ErrorReply, RawReply, Reply, TokenCounts
from support.scripted_model.rules import echo_history
from support.scripted_model.server import ScriptedModel

_CALL = ToolCall("toolu_1", "add", '{"a": 1}')
_TOOL = ToolSchema("add", "Adds.", {"type": "object", "properties": {"a": {"type": "integer"}}})


def _message(content: object, stop_reason: str = "end_turn", **fields: Any) -> RawReply:
    return RawReply(json.dumps({"content": content, "stop_reason": stop_reason, **fields}))


def test_request_is_what_the_api_documents(anthropic: Adapter) -> None:
    with ScriptedModel(Reply("3")) as scripted:
        anthropic.ask(
            scripted,
            user("1 + 2?"),
            assistant("hm", calls=(_CALL,)),
            returns(ToolReturn("toolu_1", "add", "overflow", "error")),
            user("and?"),
            system="You count.",
            tools=(_TOOL,),
            max_tokens=9,
            temperature=0.5,
        )
        (seen,) = scripted.requests
    use = {"type": "tool_use", "id": "toolu_1", "name": "add", "input": {"a": 1}}
    said = [{"type": "text", "text": "overflow"}]
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": said, "is_error": True}
    assert seen.path == "/v1/messages"
    assert seen.body == {
        "model": "scripted",
        "max_tokens": 9,
        "temperature": 0.5,
        "system": [{"type": "text", "text": "You count.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "1 + 2?"}]},
            {"role": "assistant", "content": [{"type": "text", "text": "hm"}, use]},
            {"role": "user", "content": [result, {"type": "text", "text": "and?"}]},
        ],
        "tools": [{"name": "add", "description": "Adds.", "input_schema": _TOOL.parameters}],
    }


def test_request_without_options_has_only_the_limit_that_is_a_must(anthropic: Adapter) -> None:
    with ScriptedModel(Reply("hi")) as scripted:
        anthropic.ask(scripted)
        (seen,) = scripted.requests
    assert set(seen.body) == {"model", "messages", "max_tokens"}
    assert seen.body["max_tokens"] == DEFAULT_MAX_TOKENS
    assert seen.headers["x-api-key"] == "none"


def test_window_that_begins_with_the_assistant_gets_an_opening() -> None:
    messages = anthropic_request(request(assistant("welcome back"), user("hi")), "anthropic")["messages"]
    assert messages[0] == {"role": "user", "content": [{"type": "text", "text": OPENING_TEXT}]}


def test_system_message_within_is_said_by_the_user() -> None:
    (message,) = anthropic_request(request(user("hi"), system("now in French")), "anthropic")["messages"]
    assert [block["text"] for block in message["content"]] == ["hi", "now in French"]


def test_id_that_is_refused_is_replaced_alike_in_call_and_return(anthropic: Adapter) -> None:
    odd = "an id / of another provider"
    call, given = ToolCall(odd, "add", "{}"), ToolReturn(odd, "add", "3", "success")
    with ScriptedModel(Reply("taken")) as scripted:
        assert anthropic.ask(scripted, user("hi"), assistant(calls=(call,)), returns(given), tools=(_TOOL,)).content
        (seen,) = scripted.requests
    assert [len(call_id) for turn in seen.turns for call_id in turn.tool_calls] == [32]


@pytest.mark.parametrize(
    ("model", "budget_tokens", "thinking"),
    [
        ("claude-3-7-sonnet-20250219", None, {"type": "enabled", "budget_tokens": DEFAULT_BUDGET_TOKENS}),
        ("claude-sonnet-4-20250514", 2_000, {"type": "enabled", "budget_tokens": 2_000}),
        ("claude-haiku-4-5", 1, {"type": "enabled", "budget_tokens": 1_024}),
        ("us.anthropic.claude-haiku-4-5-20251001-v1:0", None, {"type": "enabled", "budget_tokens": 4_096}),
        ("anthropic.claude-sonnet-4-20250514-v1:0", None, {"type": "enabled", "budget_tokens": 4_096}),
        ("claude-opus-4-6", None, {"type": "adaptive"}),
        ("claude-sonnet-5", None, {"type": "adaptive"}),
    ],
)
def test_thinking_is_asked_for_in_the_words_of_the_model(
    model: str, budget_tokens: int | None, thinking: dict[str, Any]
) -> None:
    assert thinking_of(request(model=model, reasoning=Reasoning(True, None, budget_tokens))) == thinking


def test_thinking_makes_room_in_the_answer_and_takes_no_temperature(anthropic: Adapter) -> None:
    wanted = Reasoning(is_on=True, effort="low", budget_tokens=5_000)
    with ScriptedModel(Reply("hi")) as scripted:
        anthropic.ask(scripted, reasoning=wanted, max_tokens=100, temperature=0.2, tools=(_TOOL,), tool_choice="add")
        (seen,) = scripted.requests
    assert seen.body["thinking"] == {"type": "enabled", "budget_tokens": 5_000}
    assert seen.body["max_tokens"] == 6_024
    assert seen.body["output_config"] == {"effort": "low"}
    assert seen.body["tool_choice"] == {"type": "auto"}
    assert "temperature" not in seen.body


def test_thinking_can_be_switched_off(anthropic: Adapter) -> None:
    with ScriptedModel(Reply("hi")) as scripted:
        anthropic.ask(scripted, reasoning=Reasoning(is_on=False))
        assert scripted.requests[-1].body["thinking"] == {"type": "disabled"}


def test_tool_loop_that_began_without_thinking_ends_without_it(anthropic: Adapter) -> None:
    thought = ReasoningPart("of another", signature="s", maker="bedrock/anthropic")
    drafts = (
        user("hi"),
        assistant(calls=(_CALL,), thoughts=(thought,)),
        returns(ToolReturn("toolu_1", "add", "3", "success")),
    )
    with ScriptedModel(Reply("taken"), Reply("taken")) as scripted:
        anthropic.ask(scripted, *drafts, tools=(_TOOL,), reasoning=Reasoning(is_on=True))
        anthropic.ask(scripted, *drafts, assistant("3"), user("and?"), tools=(_TOOL,), reasoning=Reasoning(is_on=True))
        within, after = scripted.requests
    assert ("thinking" in within.body, "thinking" in after.body) == (False, True)


def test_one_call_at_a_time_can_be_asked_for(anthropic: Adapter) -> None:
    with ScriptedModel(Reply("hi")) as scripted:
        anthropic.ask(scripted, tools=(_TOOL,), parallel_tool_calls=False)
        assert scripted.requests[-1].body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


def test_cache_and_thinking_are_counted(anthropic: Adapter) -> None:
    tokens = TokenCounts(prompt=1_000, completion=10, cached=700, cache_write=200, reasoning=6)
    with ScriptedModel(Reply("hi", tokens=tokens)) as scripted:
        usage = anthropic.ask(scripted).usage
    assert (usage.prompt_tokens, usage.cache_write_tokens, usage.reasoning_tokens) == (1_000, 200, 6)


@pytest.mark.parametrize(
    ("stop_reason", "finish"),
    [
        ("end_turn", Finish.STOP),
        ("stop_sequence", Finish.STOP),
        ("pause_turn", Finish.STOP),
        ("a_reason_of_tomorrow", Finish.STOP),
        ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.LENGTH),
        ("tool_use", Finish.TOOL_CALLS),
    ],
)
def test_stop_reasons_are_mapped(anthropic: Adapter, stop_reason: str, finish: Finish) -> None:
    with ScriptedModel(_message([{"type": "text", "text": "hi"}], stop_reason)) as scripted:
        assert anthropic.ask(scripted).finish is finish


def test_blocks_of_tomorrow_are_passed_over(anthropic: Adapter) -> None:
    with ScriptedModel(_message([{"type": "hologram"}, {"type": "text", "text": "hi"}])) as scripted:
        assert anthropic.ask(scripted).content == (TextPart("hi"),)


@pytest.mark.parametrize("content", [None, "hello", [7], [{"type": "tool_use", "name": "add"}]])
def test_answer_of_the_wrong_shape_is_an_invalid_response(anthropic: Adapter, content: object) -> None:
    with ScriptedModel(_message(content)) as scripted, pytest.raises(ModelCallError) as raised:
        anthropic.ask(scripted)
    assert raised.value.stop_reason is StopReason.INVALID_LLM_RESPONSE


@pytest.mark.parametrize(
    ("status", "message", "error_type"),
    [
        (400, "Your credit balance is too low to access the Anthropic API.", "LLMInsufficientCreditsError"),
        (413, "Request exceeds the maximum size", "LLMContextWindowExceededError"),
        (529, "Overloaded", "LLMServerError"),
    ],
)
def test_errors_of_anthropic_are_told_apart(anthropic: Adapter, status: int, message: str, error_type: str) -> None:
    with ScriptedModel(*[ErrorReply(status, message)] * 3) as scripted, pytest.raises(ModelCallError) as raised:
        anthropic.ask(scripted)
    assert raised.value.error_type == error_type
    assert message in str(raised.value)


def test_key_of_the_environment_is_not_used(anthropic: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "somebody else's")
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", "somebody else's")
    with ScriptedModel(rule=echo_history) as scripted:
        anthropic.connect(scripted, api_key="ours").complete(anthropic.request())
        (seen,) = scripted.requests
    assert seen.headers["x-api-key"] == "ours"
    assert "somebody" not in str(seen.headers)
