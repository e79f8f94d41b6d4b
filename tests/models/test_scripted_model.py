"""The scripted model as stack tests use it: a process that is told over HTTP what to answer."""

import json
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

_TESTS = Path(__file__).resolve().parents[1]


class Process:
    """`python -m support.scripted_model`, and a client for it."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "support.scripted_model", *arguments]
        self._process = subprocess.Popen(command, cwd=_TESTS, stdout=subprocess.PIPE, text=True)  # noqa: S603 -- our own
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]

    def send(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Return the status and the JSON of one exchange."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        connection.request(method, path, json.dumps(body) if body is not None else None)
        response = connection.getresponse()
        parsed = json.loads(response.read())
        connection.close()
        return response.status, parsed

    def ask(self, *messages: dict[str, Any], model: str = "m") -> tuple[int, Any]:
        """Return the status and the message of a chat completion, or its error."""
        status, body = self.send("POST", "/v1/chat/completions", {"model": model, "messages": list(messages)})
        return status, body["choices"][0]["message"] if status == 200 else body["error"]["message"]

    def stop(self) -> None:
        self._process.terminate()
        self._process.communicate(timeout=10)


@pytest.fixture(scope="module")
def process() -> Iterator[Process]:
    process = Process("--port", "0")
    yield process
    process.stop()


def _said(role: str, content: str | None, **fields: Any) -> dict[str, Any]:
    return {"role": role, "content": content, **fields}


def test_default_rule_echoes_the_users_messages_in_order(process: Process) -> None:
    status, message = process.ask(_said("user", "one"), _said("assistant", "1"), _said("user", "two"))
    assert status == 200
    assert json.loads(message["content"]) == {"user_messages": ["one", "two"]}


def test_answers_are_given_in_order_and_only_to_their_model(process: Process) -> None:
    answers = [{"text": "first"}, {"kind": "error", "status": 503, "message": "busy"}, {"text": "third"}]
    assert process.send("POST", "/_script", {"model": "scripted-one", "answers": answers})[0] == 200
    hello = _said("user", "hello")
    assert process.ask(hello, model="another")[1]["content"] == '{"user_messages": ["hello"]}'
    assert process.ask(hello, model="scripted-one")[1]["content"] == "first"
    assert process.ask(hello, model="scripted-one") == (503, "busy")
    assert process.ask(hello, model="scripted-one")[1]["content"] == "third"
    assert process.ask(hello, model="scripted-one") == (400, "the script has no answer left")


def test_requests_can_be_read_and_forgotten(process: Process) -> None:
    process.ask(_said("user", "remember me"), model="remembered")
    _, log = process.send("GET", "/_requests?model=remembered")
    assert [request["body"]["messages"][0]["content"] for request in log] == ["remember me"]
    assert process.send("POST", "/_forget", {})[0] == 200
    assert process.send("GET", "/_requests") == (200, [])


def test_rule_calls_tools_before_it_answers(process: Process) -> None:
    rule = {"model": "caller", "rule": "answer-after-tool-calls", "options": {"count": 2, "tool": "add"}}
    process.send("POST", "/_script", rule)
    history = [_said("user", "go")]
    for _ in range(2):
        message = process.ask(*history, model="caller")[1]
        (call,) = message["tool_calls"]
        assert call["function"]["name"] == "add"
        history += [message, _said("tool", "3", tool_call_id=call["id"])]
    assert process.ask(*history, model="caller")[1]["content"] == "done after 2 tool calls"


def test_unknown_script_is_refused(process: Process) -> None:
    assert process.send("POST", "/_script", {"rule": "no-such-rule"})[0] == 422
    assert process.send("POST", "/_script", {"answers": [{"colour": "blue"}]})[0] == 422


_CALL = {"id": "call_1", "type": "function", "function": {"name": "ping", "arguments": "{}"}}


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [_said("robot", "hi")],
        [_said("user", None)],
        [_said("user", "hi"), _said("assistant", None)],
        [_said("user", "hi"), _said("assistant", None, tool_calls=[_CALL])],
        [_said("user", "hi"), _said("assistant", None, tool_calls=[_CALL]), _said("user", "well?")],
        [_said("user", "hi"), _said("tool", "pong", tool_call_id="call_1")],
        [_said("user", "hi"), _said("assistant", None, tool_calls=[{**_CALL, "function": {"name": "ping"}}])],
    ],
)
def test_what_openai_refuses_is_refused(process: Process, messages: list[dict[str, Any]]) -> None:
    assert process.ask(*messages)[0] == 400


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "assistant", "content": [{"text": "hi"}]}],
        [{"role": "user", "content": [{"text": "hi"}]}, {"role": "user", "content": [{"text": "hi"}]}],
        [{"role": "user", "content": []}],
        [{"role": "user", "content": [{"text": " "}]}],
        [{"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"text": "pong"}]}}]}],
    ],
)
def test_what_converse_refuses_is_refused(process: Process, messages: list[dict[str, Any]]) -> None:
    status, body = process.send("POST", "/model/anthropic.m-v1%3A0/converse", {"messages": messages})
    assert status == 400
    assert body["message"]


_TEXT = {"type": "text", "text": "hi"}
_USE = {"type": "tool_use", "id": "t1", "name": "ping", "input": {}}
_RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "pong"}]}
_THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "s"}
_THINKS = {"thinking": {"type": "enabled", "budget_tokens": 1_024}, "max_tokens": 2_000}


def _turns(*contents: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    roles = ("user", "assistant")
    messages = [{"role": roles[place % 2], "content": content} for place, content in enumerate(contents)]
    return {"model": "m", "max_tokens": 9, "messages": messages, "tools": [{"name": "ping"}], **fields}


@pytest.mark.parametrize(
    "body",
    [
        _turns(),
        _turns([_TEXT], max_tokens=None),
        _turns([]),
        _turns([{"type": "text", "text": " "}]),
        _turns([_TEXT], [_USE]),
        _turns([_TEXT], [_USE], [_TEXT, _RESULT]),
        _turns([_RESULT]),
        _turns([_TEXT], [_USE], [_RESULT], tools=[]),
        _turns([_TEXT], [_TEXT, _THOUGHT]),
        _turns([_TEXT], [{**_THOUGHT, "signature": ""}, _TEXT]),
        _turns([_THOUGHT, _TEXT]),
        _turns([_TEXT], [_USE], [_RESULT], **_THINKS),
        _turns([_TEXT], temperature=0.5, **_THINKS),
        _turns([_TEXT], **{**_THINKS, "max_tokens": 1_000}),
        _turns([{"type": "image", "source": {"type": "base64", "media_type": "image/tiff", "data": ""}}]),
    ],
)
def test_what_anthropic_refuses_is_refused(process: Process, body: dict[str, Any]) -> None:
    status, answer = process.send("POST", "/v1/messages", body)
    assert (status, answer["type"], answer["error"]["type"]) == (400, "error", "invalid_request_error")


_ASKED = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
_CALLED = {"type": "function_call", "call_id": "c1", "name": "ping", "arguments": "{}"}
_GIVEN = {"type": "function_call_output", "call_id": "c1", "output": "pong"}
_REASONED = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "ZW5j"}


@pytest.mark.parametrize(
    "fields",
    [
        {"input": []},
        {"input": [_ASKED], "store": True},
        {"input": [_ASKED], "include": ["everything"]},
        {"input": [_ASKED], "tools": [{"type": "function", "function": {"name": "ping"}}]},
        {"input": [{**_ASKED, "role": "robot"}]},
        {"input": [{**_ASKED, "role": "assistant"}]},
        {"input": [_ASKED, _CALLED]},
        {"input": [_ASKED, _GIVEN]},
        {"input": [_ASKED, {**_CALLED, "arguments": ""}, _GIVEN]},
        {"input": [_ASKED, _REASONED]},
        {"input": [_ASKED, _REASONED, _ASKED]},
        {"input": [_ASKED, {**_REASONED, "encrypted_content": None}, _CALLED, _GIVEN]},
    ],
)
def test_what_responses_refuse_is_refused(process: Process, fields: dict[str, Any]) -> None:
    status, answer = process.send("POST", "/v1/responses", {"model": "m", "store": False, **fields})
    assert status == 400
    assert answer["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "hi", "sampling_params": {}},
        {"text": "<|im_start|>user\nhi<|im_end|>\n", "sampling_params": {}},
        {"text": "<|im_start|>assistant\n", "sampling_params": {"max_new_tokens": 0}},
    ],
)
def test_what_generate_refuses_is_refused(process: Process, body: dict[str, Any]) -> None:
    assert process.send("POST", "/generate", body)[0] == 400


def test_wrong_key_is_refused() -> None:
    process = Process("--api-key", "sesame")
    try:
        assert process.ask(_said("user", "hi"))[0] == 401
    finally:
        process.stop()
