"""Bodies of `POST …/messages/async` that are refused (letta_api_spec §1.1 to §1.3): the status, and nothing written."""

from typing import Any

import httpx
import pytest

from intake.deployment import UNKNOWN_AGENT, Deployment
from intake.refusals import assert_refused, read_json

UNKNOWN_PATH = f"/v1/agents/{UNKNOWN_AGENT}/messages/async"
MESSAGE = {"role": "user", "content": "hello"}

NOT_AN_OBJECT = {
    "nothing": b"",
    "half an object": b'{"input": "hello"',
    "words": b"hello",
    "array": b"[]",
    "string": b'"hello"',
    "number": b"1",
    "null": b"null",
    "two objects": b'{"input": "hello"}{"input": "hello"}',
    "single quotes": b"{'input': 'hello'}",
    "trailing comma": b'{"input": "hello",}',
}

REFUSED_FIELDS: dict[str, dict[str, Any]] = {
    "neither input nor messages": {},
    "input null": {"input": None},
    "both null": {"input": None, "messages": None},
    "input and messages": {"input": "hello", "messages": [MESSAGE]},
    "input empty": {"input": ""},
    "input without parts": {"input": []},
    "input number": {"input": 5},
    "input object": {"input": {"type": "text", "text": "hello"}},
    "input part without text": {"input": [{"type": "text"}]},
    "input part of unknown type": {"input": [{"type": "smell", "text": "hello"}]},
    "input part string": {"input": ["hello"]},
    "messages empty": {"messages": []},
    "messages object": {"messages": MESSAGE},
    "messages string": {"messages": "hello"},
    "message string": {"messages": ["hello"]},
    "message empty": {"messages": [{}]},
    "message null": {"messages": [None]},
    "second message bad": {"messages": [MESSAGE, {"role": "user"}]},
    "role missing": {"messages": [{"content": "hello"}]},
    "role unknown": {"messages": [MESSAGE | {"role": "wizard"}]},
    "role tool": {"messages": [MESSAGE | {"role": "tool"}]},
    "role in capitals": {"messages": [MESSAGE | {"role": "User"}]},
    "role null": {"messages": [MESSAGE | {"role": None}]},
    "content missing": {"messages": [{"role": "user"}]},
    "content null": {"messages": [MESSAGE | {"content": None}]},
    "content empty": {"messages": [MESSAGE | {"content": ""}]},
    "content without parts": {"messages": [MESSAGE | {"content": []}]},
    "content number": {"messages": [MESSAGE | {"content": 5}]},
    "name number": {"messages": [MESSAGE | {"name": 5}]},
    "otid number": {"messages": [MESSAGE | {"otid": 5}]},
    "type unknown": {"messages": [MESSAGE | {"type": "telegram"}]},
    "max_steps 0": {"input": "hello", "max_steps": 0},
    "max_steps negative": {"input": "hello", "max_steps": -1},
    "max_steps word": {"input": "hello", "max_steps": "many"},
    "max_steps digits": {"input": "hello", "max_steps": "5"},
    "max_steps true": {"input": "hello", "max_steps": True},
    "max_steps fraction": {"input": "hello", "max_steps": 1.5},
    "max_steps null": {"input": "hello", "max_steps": None},
    "max_steps huge": {"input": "hello", "max_steps": 10**4000},
    "max_steps list": {"input": "hello", "max_steps": [1]},
    "message types unknown": {"input": "hello", "include_return_message_types": ["user_message", "telegram"]},
    "message types string": {"input": "hello", "include_return_message_types": "user_message"},
    "message types number": {"input": "hello", "include_return_message_types": [1]},
    "use_assistant_message word": {"input": "hello", "use_assistant_message": "yes"},
    "tool name number": {"input": "hello", "assistant_message_tool_name": 5},
    "tool name endless": {"input": "hello", "assistant_message_tool_name": "x" * 500_000},
    "tool kwarg endless": {"input": "hello", "assistant_message_tool_kwarg": "x" * 500_000},
    "override_model number": {"input": "hello", "override_model": 5},
    "override_model endless": {"input": "hello", "override_model": "openai/" + "x" * 500_000},
    "override_system number": {"input": "hello", "override_system": 5},
    "system object": {"input": "hello", "system": {}},
}

REFUSED_CALLBACK_URLS: dict[str, Any] = {
    "empty": "",
    "word": "callback",
    "path": "/callback",
    "without scheme": "example.com/callback",
    "scheme-relative": "//example.com/callback",
    "file": "file:///etc/hosts",
    "ftp": "ftp://example.com/callback",
    "javascript": "javascript:alert(1)",
    "scheme alone": "http://",
    "no host": "http:///callback",
    "no host but a port": "http://:80/callback",
    "credentials": "https://user:password@example.com/callback",
    "space": "http://example.com/call back",
    "line break": "http://example.com/\r\nX-Injected: 1",
    "null byte": "http://example.com/\0",
    "backslash": "http:\\\\example.com\\callback",
    "port too high": "http://example.com:65536/callback",
    "port word": "http://example.com:http/callback",
    "open bracket": "http://[::1/callback",
    "address in one number": "http://2130706433/callback",
    "too long": "https://example.com/" + "x" * 2_048,
    "number": 5,
    "list": ["https://example.com/callback"],
}


@pytest.fixture(scope="module")
def agent_id(standing: Deployment) -> str:
    return standing.create_agent().id


class Post:
    """Posts to one agent's endpoint and checks that refusals leave nothing behind."""

    def __init__(self, deployment: Deployment, agent_id: str) -> None:
        self._deployment = deployment
        self._path = f"/v1/agents/{agent_id}/messages/async"
        self.http = deployment.http()

    def refused(self, status: int = 422, detail: Any = None, path: str | None = None, **request: Any) -> httpx.Response:
        """Post what is refused before anything is tried."""
        with self._deployment.tries_no_write():
            response = self.http.post(path or self._path, **request)
        assert_refused(response, status, detail)
        return response

    def refused_by_transaction(self, status: int, path: str | None = None, **request: Any) -> httpx.Response:
        """Post what only the transaction can refuse."""
        with self._deployment.writes_nothing():
            response = self.http.post(path or self._path, **request)
        assert_refused(response, status)
        return response


@pytest.fixture(scope="module")
def post(standing: Deployment, agent_id: str) -> Post:
    return Post(standing, agent_id)


@pytest.mark.parametrize("content", NOT_AN_OBJECT.values(), ids=NOT_AN_OBJECT)
def test_body_that_is_no_json_object_is_refused(post: Post, content: bytes) -> None:
    post.refused(content=content, headers={"content-type": "application/json"})


@pytest.mark.parametrize("fields", REFUSED_FIELDS.values(), ids=REFUSED_FIELDS)
def test_field_that_is_not_what_it_should_be_is_refused(post: Post, fields: dict[str, Any]) -> None:
    post.refused(json=fields)


@pytest.mark.parametrize("url", REFUSED_CALLBACK_URLS.values(), ids=REFUSED_CALLBACK_URLS)
def test_callback_url_that_no_callback_can_go_to_is_refused(post: Post, url: Any) -> None:
    (found,) = read_json(post.refused(json={"input": "hello", "callback_url": url}))["detail"]
    assert found["loc"] == ["body", "callback_url"]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json"]
)
def test_body_of_another_content_type_is_refused(post: Post, content_type: str) -> None:
    post.refused(content=b'{"input": "hello"}', headers={"content-type": content_type})


def test_refusal_names_the_place_the_rule_and_what_was_found(post: Post) -> None:
    response = post.refused(json={"messages": [MESSAGE, MESSAGE | {"role": "wizard"}], "max_steps": 0})
    assert read_json(response) == {
        "detail": [
            {
                "type": "literal_error",
                "loc": ["body", "messages", 1, "message", "role"],
                "msg": "Input should be 'user', 'system' or 'assistant'",
                "input": "wizard",
            },
            {
                "type": "greater_than_equal",
                "loc": ["body", "max_steps"],
                "msg": "Input should be greater than or equal to 1",
                "input": 0,
            },
        ]
    }


def test_refusal_of_many_things_stays_short(post: Post) -> None:
    post.refused(json={"messages": [0] * 300_000})
    post.refused(json={"input": [0] * 300_000})
    post.refused(json={"messages": [{"role": "x" * 50_000, "content": "x"}] * 50})


@pytest.mark.parametrize(
    ("handle", "status"),
    [("acme/gpt-7", 404), ("OpenAI/gpt-4o-mini", 404), ("gpt-4o-mini", 400), ("openai/", 400), ("/x", 400), ("", 400)],
)
def test_override_model_of_no_known_provider_is_refused(post: Post, handle: str, status: int) -> None:
    post.refused(status, json={"input": "hello", "override_model": handle})


@pytest.mark.parametrize(
    "malformed",
    [
        "agent-1",
        "agent-5C1F7A52-9D0E-4B6F-8A37-2E4D90C1B7AA",
        "agent-5c1f7a52-9d0e-1b6f-8a37-2e4d90c1b7aa",
        "agent-5c1f7a52-9d0e-4b6f-8a37-2e4d90c1b7aa1",
        "run-5c1f7a52-9d0e-4b6f-8a37-2e4d90c1b7aa",
        "5c1f7a52-9d0e-4b6f-8a37-2e4d90c1b7aa",
        "agent-5c1f7a52-9d0e-4b6f-8a37-2e4d90c1b7aa%0A",
        "%C3%A4gent%22%3Cb%3E",
        "%00",
        "default",
    ],
)
def test_malformed_agent_id_is_refused(post: Post, malformed: str) -> None:
    post.refused(path=f"/v1/agents/{malformed}/messages/async", json={"input": "hello"})


def test_unknown_agent_is_not_found(post: Post) -> None:
    response = post.refused_by_transaction(404, path=UNKNOWN_PATH, json={"input": "hello"})
    assert read_json(response) == {"detail": "Agent not found"}


def test_large_request_to_unknown_agent_leaves_no_object(post: Post) -> None:
    post.refused(404, "Agent not found", path=UNKNOWN_PATH, json={"input": "x" * 100_000})


def test_body_over_five_megabytes_is_refused(post: Post) -> None:
    limit = 5 * 1024 * 1024
    for padding in (b"x", "ü".encode()):
        content = b'{"input": "' + padding * (limit // len(padding)) + b'"}'
        response = post.refused(413, content=content, headers={"content-type": "application/json"})
        assert f"the limit is {limit}" in read_json(response)["detail"]


def test_full_queue_asks_to_come_back_later(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    deployment.fill_queue(agent.id)
    post = Post(deployment, agent.id)

    for text in ("hello", "x" * 100_000):
        response = post.refused_by_transaction(429, json={"input": text})
        assert 0 < int(response.headers["retry-after"]) <= 60
        assert "x-should-retry" not in response.headers
