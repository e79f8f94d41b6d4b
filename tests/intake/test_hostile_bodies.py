"""Bodies made to break a parser, a store or a log: each is refused or kept exactly, never half of either."""

import base64
import copy
import json
from typing import Any

import httpx
import pytest

import http_api
from intake.deployment import Deployment
from intake.refusals import assert_refused, read_json
from support.events import load_event
from support.lambda_context import FakeLambdaContext

JSON_TYPE = {"content-type": "application/json"}

NO_JSON = {
    "NaN": b'{"input": "hello", "max_steps": NaN}',
    "Infinity": b'{"input": "hello", "max_steps": Infinity}',
    "minus Infinity": b'{"input": "hello", "unknown": -Infinity}',
    "integer of five thousand digits": b'{"input": "hello", "max_steps": 1' + b"0" * 5_000 + b"}",
    "hundred thousand open arrays": b"[" * 100_000,
    "hundred thousand nested arrays": b'{"input": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "hundred thousand nested objects": b'{"input": ' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001,
    "hundred thousand nested arrays in an unknown field": b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "invalid UTF-8": b'{"input": "\xff\xfe"}',
    "overlong UTF-8": b'{"input": "\xc0\xaf"}',
    "surrogate in UTF-8": b'{"input": "\xed\xa0\x80"}',
    "UTF-16": '{"input": "hello"}'.encode("utf-16"),
    "bare null byte": b'{"input": "hel\x00lo"}',
    "bare line break": b'{"input": "hel\nlo"}',
}

AGENT: dict[str, Any] = {
    "name": "Bob",
    "model": "openai/scripted",
    "system": "Be brief.",
    "description": "words",
    "memory_blocks": [{"label": "human", "value": "Bob", "description": "words", "metadata": {"key": "value"}}],
    "tags": ["words"],
    "metadata": {"key": ["value"]},
    "embedding": "words",
    "timezone": "UTC",
}

RUN: dict[str, Any] = {
    "messages": [
        {
            "role": "user",
            "content": [{"type": "text", "text": "hello", "signature": "words"}],
            "name": "Bob",
            "otid": "words",
            "sender_id": "words",
            "group_id": "words",
            "batch_item_id": "words",
        }
    ],
    "callback_url": "https://example.com/words",
    "assistant_message_tool_name": "words",
    "assistant_message_tool_kwarg": "words",
    "override_model": "openai/words",
    "override_system": "words",
}


def _places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of every string in a JSON value."""
    match value:
        case dict():
            return [found for key, inner in value.items() for found in _places(inner, (*path, key))]
        case list():
            return [found for index, inner in enumerate(value) for found in _places(inner, (*path, index))]
        case str():
            return [path]
        case _:
            return []


def _with(value: Any, path: tuple[str | int, ...], text: str) -> Any:
    changed = copy.deepcopy(value)
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = text
    return changed


def _named(path: tuple[str | int, ...]) -> str:
    return ".".join(map(str, path))


@pytest.fixture(scope="module")
def http(standing: Deployment) -> httpx.Client:
    return standing.http()


@pytest.fixture(scope="module")
def runs_path(standing: Deployment) -> str:
    return f"/v1/agents/{standing.create_agent().id}/messages/async"


@pytest.mark.parametrize("content", NO_JSON.values(), ids=NO_JSON)
def test_what_is_not_json_is_refused(standing: Deployment, http: httpx.Client, runs_path: str, content: bytes) -> None:
    with standing.tries_no_write():
        assert_refused(http.post(runs_path, content=content, headers=JSON_TYPE), 422)
        assert_refused(http.post("/v1/agents/", content=content, headers=JSON_TYPE), 422)


@pytest.mark.parametrize("surrogate", [r"\ud800", r"\udfff", r"\ude00\ud83d"])
@pytest.mark.parametrize("path", _places(RUN), ids=_named)
def test_lone_surrogate_in_a_run_is_refused(
    standing: Deployment, http: httpx.Client, runs_path: str, path: tuple[str | int, ...], surrogate: str
) -> None:
    content = json.dumps(_with(RUN, path, "surrogate")).replace("surrogate", surrogate)
    with standing.tries_no_write():
        assert_refused(http.post(runs_path, content=content, headers=JSON_TYPE), 422)


@pytest.mark.parametrize("path", _places(AGENT), ids=_named)
def test_lone_surrogate_in_an_agent_is_refused(
    standing: Deployment, http: httpx.Client, path: tuple[str | int, ...]
) -> None:
    content = json.dumps(_with(AGENT, path, "\ud800"))
    with standing.tries_no_write():
        assert_refused(http.post("/v1/agents/", content=content, headers=JSON_TYPE), 422)


@pytest.mark.parametrize("content", ['{"\\ud800": 1, "input": "hello"}', '{"unknown": ["\\ud800"], "input": "hello"}'])
def test_lone_surrogate_where_nobody_looks_is_refused(
    standing: Deployment, http: httpx.Client, runs_path: str, content: str
) -> None:
    with standing.tries_no_write():
        assert_refused(http.post(runs_path, content=content, headers=JSON_TYPE), 422)


@pytest.mark.parametrize("place", ["body", "rawPath", "rawQueryString"])
def test_surrogate_that_reaches_the_function_unescaped_is_refused(standing: Deployment, place: str) -> None:
    event = load_event("http_api/create_async_run.json")
    event |= {"body": '{"input": "\ud800"}'}
    event["rawPath"] = "/v1/agents/agent-\ud800/messages/async" if place == "rawPath" else event["rawPath"]
    if place == "rawQueryString":
        event |= {"rawPath": "/v1/runs/", "rawQueryString": "after=\ud800", "body": None}
        event["requestContext"]["http"]["method"] = "GET"
    with standing.tries_no_write():
        answer = http_api.lambda_handler(event, FakeLambdaContext())
    response = httpx.Response(answer["statusCode"], headers=answer["headers"], content=answer["body"].encode())
    assert_refused(response, 400 if place == "rawQueryString" else 422)


def test_invalid_utf8_that_arrives_in_base64_is_refused(standing: Deployment) -> None:
    event = load_event("http_api/create_async_run.json")
    event |= {"body": base64.b64encode(b'{"input": "\xff"}').decode(), "isBase64Encoded": True}
    with standing.tries_no_write():
        answer = http_api.lambda_handler(event, FakeLambdaContext())
    assert_refused(httpx.Response(answer["statusCode"], headers=answer["headers"], content=answer["body"]), 422)


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b'[{"deeper": 1e999}]'])
def test_number_beyond_every_float_is_refused_as_metadata(
    standing: Deployment, http: httpx.Client, number: bytes
) -> None:
    content = b'{"model": "openai/scripted", "metadata": {"size": ' + number + b"}}"
    block = b'{"label": "human", "value": "", "metadata": {"size": ' + number + b"}}"
    nested = b'{"model": "openai/scripted", "memory_blocks": [' + block + b"]}"
    with standing.tries_no_write():
        assert_refused(http.post("/v1/agents/", content=content, headers=JSON_TYPE), 422)
        assert_refused(http.post("/v1/agents/", content=nested, headers=JSON_TYPE), 422)


def test_refusal_of_half_a_million_bad_numbers_stays_short(standing: Deployment, http: httpx.Client) -> None:
    content = b'{"model": "openai/scripted", "metadata": {"sizes": [' + b",".join([b"1e400"] * 500_000) + b"]}}"
    with standing.tries_no_write():
        assert_refused(http.post("/v1/agents/", content=content, headers=JSON_TYPE), 422)


def test_refusal_shows_only_the_beginning_of_a_long_key(standing: Deployment, http: httpx.Client) -> None:
    content = b'{"model": "openai/scripted", "metadata": {"' + b"x" * 100_000 + b'": 1e400}}'
    with standing.tries_no_write():
        assert_refused(http.post("/v1/agents/", content=content, headers=JSON_TYPE), 422)


def test_metadata_comes_back_as_it_was_sent(deployment: Deployment) -> None:
    metadata: dict[str, Any] = {
        "null byte": "a\0b",
        "unicode": "名前 🦉 e\u0301",
        "integer": 10**300,
        "fraction": 0.1,
        "flags": [True, False, None],
        "": {},
    }
    for _ in range(60):
        metadata = {"deeper": metadata}
    agent = deployment.create_agent(metadata=metadata)
    found = read_json(deployment.http().get(f"/v1/agents/{agent.id}"))
    assert found["metadata"] == metadata


@pytest.mark.parametrize(
    "text", ["a\0b", "\x01\x1f\x7f", "\u2028\u2029", "🦉", "e\u0301", " ", '"\\/', "\ufeff", "\uffff"]
)
def test_odd_text_comes_back_as_it_was_sent(deployment: Deployment, text: str) -> None:
    agent = deployment.create_agent(system=text, memory_blocks=[{"label": "human", "value": text}])
    run = deployment.post(agent.id, text)
    stored = deployment.database.runs.get(deployment.tenant, run.id)
    assert stored
    (draft,) = deployment.database.runs.get_request(stored).inputs
    assert draft.text == text
    assert deployment.sdk().agents.retrieve(agent.id).system == text


def test_last_of_equal_keys_counts(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    content = b'{"input": "first", "max_steps": 0, "max_steps": 7, "input": "last"}'
    response = deployment.http().post(f"/v1/agents/{agent.id}/messages/async", content=content, headers=JSON_TYPE)
    stored = deployment.database.runs.get(deployment.tenant, read_json(response)["id"])
    assert stored
    assert stored.max_steps == 7
    assert [draft.text for draft in deployment.database.runs.get_request(stored).inputs] == ["last"]


def test_unknown_fields_are_ignored_at_every_level(deployment: Deployment) -> None:
    agent = deployment.create_agent(extra_body={"__class__": "x", "no_such_field": {"a": [1]}})
    part = {"type": "text", "text": "hello", "colour": "red"}
    message = {"role": "user", "content": [part], "mood": {"good": True}}
    body = {"messages": [message], "id": "run-mine", "status": "completed", "tenant": "other"}
    response = deployment.http().post(f"/v1/agents/{agent.id}/messages/async", json=body)
    assert response.status_code == 200
    assert read_json(response)["status"] == "created"
    assert read_json(response)["id"] != "run-mine"
