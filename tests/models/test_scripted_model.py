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
        self._process = subprocess.Popen(command, cwd=_TESTS, stdout=subprocess.PIPE, text=True)  # noqa: S603  our own
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


def test_wrong_key_is_refused() -> None:
    process = Process("--api-key", "sesame")
    try:
        assert process.ask(_said("user", "hi"))[0] == 401
    finally:
        process.stop()
