"""Servers that speak Chat Completions under names of their own: what of their dialect is known."""

from typing import Any

import pytest

from models.adapters import Adapter
from models.builders import assistant, returns, user
from nightshift.domain.content import ReasoningPart
from nightshift.domain.message import TextPart, ToolCall, ToolReturn, ToolSchema
from nightshift.models.port import Reasoning
from nightshift.models.registry import find_provider, provider_names
from support.scripted_model.answers import Reply
from support.scripted_model.server import ScriptedModel

COMPATIBLE = [name for name in provider_names() if find_provider(name).adapter.endswith((".openai_chat", ".sglang"))]
_PING = ToolSchema("ping", "Pings.")
_CALL = ToolCall("call_1", "ping", "{}")
_PONG = ToolReturn("call_1", "ping", "pong", "success")


@pytest.mark.parametrize("name", COMPATIBLE)
def test_server_is_reached_under_its_name(name: str) -> None:
    with ScriptedModel(Reply("hello")) as scripted:
        assert Adapter(name).ask(scripted, model="some/model:7b").content == (TextPart("hello"),)
        (seen,) = scripted.requests
    assert (seen.path, seen.model) == ("/v1/chat/completions", "some/model:7b")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("vllm", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("sglang", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("ollama", {"reasoning_effort": "none"}),
        ("openrouter", {"reasoning": {"enabled": False}}),
        ("lmstudio", {}),
    ],
)
def test_reasoning_is_switched_off_in_the_words_of_the_server(name: str, fields: dict[str, Any]) -> None:
    with ScriptedModel(Reply("hi")) as scripted:
        Adapter(name).ask(scripted, reasoning=Reasoning(is_on=False))
        (seen,) = scripted.requests
    assert {key: value for key, value in seen.body.items() if key not in {"model", "messages"}} == fields


def test_effort_is_handed_on() -> None:
    with ScriptedModel(Reply("hi")) as scripted:
        Adapter("vllm").ask(scripted, reasoning=Reasoning(effort="low"))
        assert scripted.requests[-1].body["reasoning_effort"] == "low"


def test_thoughts_from_before_the_users_last_words_are_forgotten() -> None:
    thought = ReasoningPart("hm", maker="vllm")
    past = (user("a"), assistant(calls=(_CALL,), thoughts=(thought,)), returns(_PONG), assistant("b"))
    with ScriptedModel(Reply("hi"), Reply("hi")) as scripted:
        Adapter("vllm").ask(scripted, *past[:3], tools=(_PING,))
        Adapter("vllm").ask(scripted, *past, user("c"), tools=(_PING,))
        within, after = scripted.requests
    assert within.body["messages"][1]["reasoning_content"] == "hm"
    assert "hm" not in str(after.body)


def test_one_call_at_a_time_and_a_format_are_asked_for() -> None:
    wanted = {"type": "json_object"}
    with ScriptedModel(Reply("hi")) as scripted:
        Adapter("vllm").ask(scripted, tools=(_PING,), parallel_tool_calls=False, response_format=wanted)
        (seen,) = scripted.requests
    assert (seen.body["parallel_tool_calls"], seen.body["response_format"]) == (False, wanted)
