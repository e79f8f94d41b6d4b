"""What every adapter says and understands, against a server that refuses what real providers refuse."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from models.adapters import Adapter
from models.builders import QUICK, assistant, request, returns, system, user
from nightshift.domain.content import SummarizedReasoningPart
from nightshift.domain.message import (
    MessageDraft,
    ReasoningPart,
    TextPart,
    ToolCall,
    ToolReturn,
    ToolSchema,
)
from nightshift.models.port import Finish
from support.scripted_model.answers import Call, Reply, TokenCounts
from support.scripted_model.rules import echo_history
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

_PING = ToolSchema("ping", "Answers with pong.")
_CALL = ToolCall("call_1", "ping", '{"host": "a"}')
_PONG = ToolReturn("call_1", "ping", "pong", "success")


def test_text_is_answered_with_text(adapter: Adapter) -> None:
    tokens = TokenCounts(prompt=100, completion=7, cached=60)
    with ScriptedModel(Reply("hello yourself", tokens=tokens)) as scripted:
        answer = adapter.ask(scripted)
    assert answer.content == (TextPart("hello yourself"),)
    assert answer.tool_calls == ()
    assert answer.finish is Finish.STOP
    assert answer.usage.prompt_tokens == 100
    assert answer.usage.completion_tokens == 7
    assert answer.usage.total_tokens == 107
    assert answer.usage.cached_input_tokens == 60


def test_tool_calls_are_read_in_order_with_their_arguments(adapter: Adapter) -> None:
    calls = (Call("ping", '{"host": "a"}', "call_a"), Call("ping", '{"host": "ü"}', "call_b"))
    with ScriptedModel(Reply("let me see", tool_calls=calls)) as scripted:
        answer = adapter.ask(scripted, tools=(_PING,))
    assert answer.content == (TextPart("let me see"),)
    assert [(call.id, call.name) for call in answer.tool_calls] == [("call_a", "ping"), ("call_b", "ping")]
    assert [json.loads(call.arguments) for call in answer.tool_calls] == [{"host": "a"}, {"host": "ü"}]
    assert answer.finish is Finish.TOOL_CALLS


def test_answer_cut_at_the_token_limit_says_so(adapter: Adapter) -> None:
    with ScriptedModel(Reply("and then the", finish="length")) as scripted:
        assert adapter.ask(scripted, max_tokens=3).finish is Finish.LENGTH


def test_answer_with_neither_text_nor_call_is_returned_as_it_is(adapter: Adapter) -> None:
    with ScriptedModel(Reply()) as scripted:
        answer = adapter.ask(scripted)
    assert (answer.content, answer.tool_calls, answer.finish) == ((), (), Finish.STOP)


def test_reasoning_is_read(adapter: Adapter) -> None:
    with ScriptedModel(Reply("42", reasoning="six times nine?")) as scripted:
        thought, said = adapter.ask(scripted).content
    match thought:
        case ReasoningPart(reasoning=text, is_native=True) | SummarizedReasoningPart(text=text):
            assert text == "six times nine?"
        case _:
            pytest.fail(f"{thought} is no reasoning")
    assert said == TextPart("42")


def test_history_is_sent_in_order(adapter: Adapter) -> None:
    with ScriptedModel(rule=echo_history) as scripted:
        answer = adapter.ask(scripted, user("one"), assistant("yes?"), user("two"), user("three"), system="Be brief.")
        (seen,) = scripted.requests
    echoed = "\n".join(json.loads(answer.content[0].text)["user_messages"])  # type: ignore[union-attr]  # one kind of a union, as the test sees to
    assert echoed == "one\ntwo\nthree"
    assert seen.texts_of("system") == ["Be brief."]


_HISTORIES = {
    "call and return": [user("hi"), assistant(calls=(_CALL,)), returns(_PONG)],
    "user after a return": [user("hi"), assistant("x", calls=(_CALL,)), returns(_PONG), user("and?")],
    "empty assistant message": [user("hi"), assistant(), user("still there?")],
    "empty parts": [user("hi"), assistant("", "  ", "yes"), user("", "ok")],
    "empty user message": [user("hi"), user(""), assistant("yes"), user("ok")],
    "two assistant messages": [user("hi"), assistant("a"), assistant("b"), user("ok")],
    "window begins with the assistant": [assistant("welcome back"), user("hi")],
    "system message within": [user("hi"), system("be quick"), user("now")],
    "nothing but a thought": [user("hi"), assistant(thoughts=(ReasoningPart("hm", signature="s"),)), user("ok")],
}


@pytest.mark.parametrize("drafts", _HISTORIES.values(), ids=_HISTORIES)
def test_history_is_one_that_the_provider_takes(adapter: Adapter, drafts: list[MessageDraft]) -> None:
    with ScriptedModel(Reply("taken")) as scripted:
        assert adapter.ask(scripted, *drafts, tools=(_PING,)).content == (TextPart("taken"),)


def test_several_returns_answer_several_calls(adapter: Adapter) -> None:
    calls = (_CALL, ToolCall("call_2", "ping", "{}"))
    failed = ToolReturn("call_2", "ping", "no route", "error")
    with ScriptedModel(Reply("taken"), Reply("taken")) as scripted:
        adapter.ask(scripted, user("hi"), assistant(calls=calls), returns(_PONG, failed), tools=(_PING,))
        adapter.ask(scripted, user("hi"), assistant(calls=calls), returns(_PONG), returns(failed), tools=(_PING,))
        together, apart = scripted.requests
    answered = [returned for turn in together.turns for returned in turn.tool_returns]
    assert answered == ["call_1", "call_2"]
    assert apart.turns == together.turns


def test_arguments_that_are_no_object_do_not_spoil_the_history(adapter: Adapter) -> None:
    broken = ToolCall("call_1", "ping", '{"host": ')
    with ScriptedModel(Reply("taken")) as scripted:
        assert adapter.ask(scripted, user("hi"), assistant(calls=(broken,)), returns(_PONG), tools=(_PING,)).content


def test_history_with_calls_is_taken_when_the_agent_has_no_tools_left(adapter: Adapter) -> None:
    with ScriptedModel(Reply("taken")) as scripted:
        assert adapter.ask(scripted, user("hi"), assistant(calls=(_CALL,)), returns(_PONG)).content


def test_right_key_is_sent(adapter: Adapter) -> None:
    with ScriptedModel(Reply("let in"), api_key="sesame") as scripted:
        assert adapter.connect(scripted, api_key="sesame").complete(adapter.request()).content


def test_server_without_keys_is_served(adapter: Adapter) -> None:
    with ScriptedModel(Reply("come in")) as scripted:
        assert adapter.connect(scripted, api_key=None).complete(adapter.request()).content


def test_ten_threads_are_served_at_once(adapter: Adapter) -> None:
    all_here = threading.Barrier(10)

    def answer_when_all_are_here(seen: SeenRequest) -> Reply:
        all_here.wait(10)
        return echo_history(seen)

    with ScriptedModel(rule=answer_when_all_are_here) as scripted, ThreadPoolExecutor(10) as threads:
        model = adapter.connect(scripted, QUICK)
        asked = [f"question {number}" for number in range(10)]
        requests = [request(user(text), provider=adapter.provider) for text in asked]
        answers = list(threads.map(model.complete, requests))
    assert [json.loads(answer.content[0].text)["user_messages"] for answer in answers] == [[text] for text in asked]  # type: ignore[union-attr]  # one kind of a union, as the test sees to
