"""What a body that starts a run must not hold (TARGET columns of letta_api_spec §1.1, §1.2): 422, nothing written."""

from typing import Any

import pytest

from intake.deployment import Deployment
from intake.refusals import assert_refused, read_json

type Json = dict[str, Any]

USER = {"role": "user", "content": "hello"}
DECISION = {"type": "approval", "tool_call_id": "call_1", "approve": True}
RETURN = {"type": "tool", "tool_call_id": "call_1", "tool_return": "done", "status": "success"}
ANSWER = {"type": "approval", "approvals": [DECISION]}
RETURNS = {"type": "tool_return", "tool_returns": [RETURN]}


def _image(**source: Any) -> Json:
    return {"input": [{"type": "image", "source": source}]}


def _part(**fields: Any) -> Json:
    return {"input": [fields]}


def _messages(*items: Any) -> Json:
    return {"messages": list(items)}


def _with(**fields: Any) -> Json:
    return {"input": "hello", **fields}


def _tool(**fields: Any) -> Json:
    return _with(client_tools=[{"name": "look", **fields}])


CALL = {"type": "tool_call", "id": "call_1", "name": "look", "input": {}}
GIVEN = {"type": "tool_return", "tool_call_id": "call_1", "content": "seen", "is_error": False}
SUMMARIZED = {"type": "summarized_reasoning", "id": "rs_1", "summary": []}
SKILL = {"name": "fold", "description": "Folds.", "location": "skills/fold/SKILL.md"}

REFUSED_PARTS: dict[str, Json] = {
    "part null": {"input": [None]},
    "part list": {"input": [[]]},
    "part empty": {"input": [{}]},
    "type null": _part(type=None),
    "type number": _part(type=5, text="hello"),
    "type list": _part(type=["text"], text="hello"),
    "type object": _part(type={}, text="hello"),
    "text number": _part(type="text", text=5),
    "text null": _part(type="text", text=None),
    "signature number": _part(type="text", text="hello", signature=5),
    "image without source": _part(type="image"),
    "image source null": _part(type="image", source=None),
    "image source string": _part(type="image", source="https://example.com/a.png"),
    "image source empty": _image(),
    "image source of unknown type": _image(type="file", url="https://example.com/a.png"),
    "image without url": _image(type="url"),
    "image url empty": _image(type="url", url=""),
    "image url number": _image(type="url", url=5),
    "image without data": _image(type="base64", media_type="image/png"),
    "image without media type": _image(type="base64", data="iVBORw0KGgo="),
    "image of a media type without end": _image(type="base64", data="AAAA", media_type="x" * 300),
    "image data not base64": _image(type="base64", media_type="image/png", data="no base64!"),
    "image data cut": _image(type="base64", media_type="image/png", data="iVBORw0KGgo"),
    "image data with prefix": _image(type="base64", media_type="image/png", data="data:image/png;base64,AAAA"),
    "image data with line break": _image(type="base64", media_type="image/png", data="AAAA\nAAAA"),
    "image without file": _image(type="letta"),
    "image file number": _image(type="letta", file_id=5),
    "call without id": _part(type="tool_call", name="look", input={}),
    "call without name": _part(type="tool_call", id="call_1", input={}),
    "call without input": _part(type="tool_call", id="call_1", name="look"),
    "call input string": {"input": [CALL | {"input": "{}"}]},
    "call input list": {"input": [CALL | {"input": []}]},
    "return without content": _part(type="tool_return", tool_call_id="call_1", is_error=False),
    "return without is_error": _part(type="tool_return", tool_call_id="call_1", content="seen"),
    "return is_error word": {"input": [GIVEN | {"is_error": "no"}]},
    "return content parts": {"input": [GIVEN | {"content": [{"type": "text", "text": "seen"}]}]},
    "reasoning without is_native": _part(type="reasoning", reasoning="hm"),
    "reasoning is_native number": _part(type="reasoning", reasoning="hm", is_native=1),
    "reasoning number": _part(type="reasoning", reasoning=5, is_native=True),
    "redacted without data": _part(type="redacted_reasoning"),
    "omitted signature number": _part(type="omitted_reasoning", signature=5),
    "summarized without summary": _part(type="summarized_reasoning", id="rs_1"),
    "summarized without id": _part(type="summarized_reasoning", summary=[]),
    "summary paragraph string": {"input": [SUMMARIZED | {"summary": ["hm"]}]},
    "summary without index": {"input": [SUMMARIZED | {"summary": [{"text": "hm"}]}]},
    "summary index word": {"input": [SUMMARIZED | {"summary": [{"index": "0", "text": "hm"}]}]},
    "summary index negative": {"input": [SUMMARIZED | {"summary": [{"index": -1, "text": "hm"}]}]},
    "summarized in a message": _messages(USER | {"content": [SUMMARIZED]}),
    "second part bad": {"input": [{"text": "hello"}, {"type": "text"}]},
}

REFUSED_ANSWERS: dict[str, Json] = {
    "message after it an approval": _messages(USER, ANSWER),
    "message after it a tool return": _messages(USER, RETURNS),
    "two approvals": _messages(ANSWER, ANSWER),
    "two tool returns": _messages(RETURNS, RETURNS),
    "approval then tool return": _messages(ANSWER, RETURNS),
    "tool return then approval": _messages(RETURNS, USER, ANSWER),
    "untyped approval in the middle": _messages(USER, {"approvals": [DECISION]}, USER),
    "approval empty": _messages({"type": "approval"}),
    "approvals null": _messages({"type": "approval", "approvals": None}),
    "approvals without items": _messages(ANSWER | {"approvals": []}),
    "approvals object": _messages(ANSWER | {"approvals": DECISION}),
    "approval item string": _messages(ANSWER | {"approvals": ["call_1"]}),
    "approval item empty": _messages(ANSWER | {"approvals": [{}]}),
    "approval item of unknown type": _messages(ANSWER | {"approvals": [DECISION | {"type": "maybe"}]}),
    "approval item without id": _messages(ANSWER | {"approvals": [{"type": "approval", "approve": True}]}),
    "approval id null": _messages(ANSWER | {"approvals": [DECISION | {"tool_call_id": None}]}),
    "approve missing": _messages(ANSWER | {"approvals": [{"type": "approval", "tool_call_id": "call_1"}]}),
    "approve word": _messages(ANSWER | {"approvals": [DECISION | {"approve": "yes"}]}),
    "approve number": _messages(ANSWER | {"approvals": [DECISION | {"approve": 1}]}),
    "reason number": _messages(ANSWER | {"approvals": [DECISION | {"reason": 5}]}),
    "second approval bad": _messages(ANSWER | {"approvals": [DECISION, DECISION | {"approve": None}]}),
    "deprecated without id": _messages({"type": "approval", "approve": True}),
    "deprecated without decision": _messages({"approval_request_id": "message-1"}),
    "deprecated decision word": _messages({"approve": "yes", "approval_request_id": "message-1"}),
    "deprecated id number": _messages({"approve": True, "approval_request_id": 5}),
    "approval otid number": _messages(ANSWER | {"otid": 5}),
    "approval group number": _messages(ANSWER | {"group_id": 5}),
    "tool returns missing": _messages({"type": "tool_return"}),
    "tool returns null": _messages({"type": "tool_return", "tool_returns": None}),
    "tool returns without items": _messages(RETURNS | {"tool_returns": []}),
    "tool returns of decisions": _messages(RETURNS | {"tool_returns": [DECISION]}),
    "tool return without status": _messages(RETURNS | {"tool_returns": [{"tool_call_id": "a", "tool_return": "b"}]}),
    "tool return of unknown status": _messages(RETURNS | {"tool_returns": [RETURN | {"status": "done"}]}),
    "tool return number": _messages(RETURNS | {"tool_returns": [RETURN | {"tool_return": 5}]}),
    "tool return null": _messages(RETURNS | {"tool_returns": [RETURN | {"tool_return": None}]}),
    "tool return without parts": _messages(RETURNS | {"tool_returns": [RETURN | {"tool_return": []}]}),
    "tool return of a call": _messages(RETURNS | {"tool_returns": [RETURN | {"tool_return": [CALL]}]}),
    "stdout string": _messages(RETURNS | {"tool_returns": [RETURN | {"stdout": "x"}]}),
    "stderr of numbers": _messages(RETURNS | {"tool_returns": [RETURN | {"stderr": [5]}]}),
}

REFUSED_OPTIONS: dict[str, Json] = {
    "client_tools object": _with(client_tools={"name": "look"}),
    "client_tools string": _with(client_tools="look"),
    "client tool string": _with(client_tools=["look"]),
    "client tool without name": _with(client_tools=[{"description": "Looks."}]),
    "client tool name empty": _with(client_tools=[{"name": ""}]),
    "client tool name null": _with(client_tools=[{"name": None}]),
    "client tool name endless": _with(client_tools=[{"name": "x" * 300}]),
    "client tool description number": _tool(description=5),
    "client tool parameters string": _tool(parameters="{}"),
    "client tool parameters list": _tool(parameters=[]),
    "second client tool bad": _with(client_tools=[{"name": "look"}, {}]),
    "client_skills object": _with(client_skills=SKILL),
    "client skill string": _with(client_skills=["fold"]),
    "client skill without location": _with(client_skills=[{"name": "fold", "description": "Folds."}]),
    "client skill without name": _with(client_skills=[{"location": "x", "description": "Folds."}]),
    "client skill description null": _with(client_skills=[SKILL | {"description": None}]),
    "enable_thinking number": _with(enable_thinking=1),
    "enable_thinking null": _with(enable_thinking=None),
    "enable_thinking list": _with(enable_thinking=["true"]),
    "enable_thinking endless": _with(enable_thinking="x" * 1_000),
    "include_compaction_messages word": _with(include_compaction_messages="yes"),
    "include_compaction_messages null": _with(include_compaction_messages=None),
    "return_logprobs number": _with(return_logprobs=1),
    "top_logprobs negative": _with(top_logprobs=-1),
    "top_logprobs 21": _with(top_logprobs=21),
    "top_logprobs digits": _with(top_logprobs="5"),
    "top_logprobs fraction": _with(top_logprobs=0.5),
    "top_logprobs true": _with(top_logprobs=True),
    "top_logprobs huge": _with(top_logprobs=10**400),
    "return_token_ids word": _with(return_token_ids="yes"),
}

REFUSED = REFUSED_PARTS | REFUSED_ANSWERS | REFUSED_OPTIONS


@pytest.fixture(scope="module")
def path(standing: Deployment) -> str:
    return f"/v1/agents/{standing.create_agent().id}/messages/async"


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_body_that_is_not_what_it_should_be_is_refused(standing: Deployment, path: str, body: Json) -> None:
    with standing.tries_no_write():
        response = standing.http().post(path, json=body)
    assert_refused(response, 422)
    assert all(found["loc"][0] == "body" for found in read_json(response)["detail"])


def test_refusal_names_the_part_and_the_kinds_there_are(standing: Deployment, path: str) -> None:
    (found,) = read_json(standing.http().post(path, json=_messages(USER | {"content": [{"type": "smell"}]})))["detail"]
    assert found["loc"] == ["body", "messages", 0, "message", "content", "parts", 0]
    assert found["msg"].endswith(
        "text, image, tool_call, tool_return, reasoning, redacted_reasoning, omitted_reasoning"
    )


def test_refusal_says_which_message_is_out_of_order(standing: Deployment, path: str) -> None:
    (found,) = read_json(standing.http().post(path, json=_messages(USER, USER, ANSWER)))["detail"]
    assert found["loc"] == ["body", "messages"]
    assert "message 2 is one" in found["msg"]


def test_list_with_a_bad_part_is_not_read_to_its_end(standing: Deployment, path: str) -> None:
    with standing.tries_no_write():
        response = standing.http().post(path, json={"input": [{"type": "smell"}] * 100_000})
    assert_refused(response, 422)
    assert len(read_json(response)["detail"]) == 1


HOSTILE_VALUES = {
    "nested objects": '{"a":' * 180 + "1" + "}" * 180,
    "nested lists": '{"a":' + "[" * 180 + "]" * 180 + "}",
    "huge number": '{"a":' + "9" * 4_000 + "}",
    "huge fraction": '{"a":1' + "0" * 400 + ".5}",
    "exponent": '{"a":1e999}',
    "nan": '{"a":NaN}',
    "half a character": '{"a":"\\ud800"}',
    "odd key": '{"\\u0000":1}',
    "duplicate keys": '{"a":1,"a":2}',
    "a million keys": "{" + ",".join(f'"{number}":{number}' for number in range(200_000)) + "}",
}


@pytest.mark.parametrize("value", HOSTILE_VALUES.values(), ids=HOSTILE_VALUES)
@pytest.mark.parametrize(
    "frame",
    [
        '{"input":"hello","client_tools":[{"name":"look","parameters":%s}]}',
        '{"input":[{"type":"tool_call","id":"call_1","name":"look","input":%s}]}',
    ],
    ids=["parameters", "input"],
)
def test_odd_value_is_kept_or_refused_and_never_breaks_anything(
    standing: Deployment, path: str, frame: str, value: str
) -> None:
    headers = {"content-type": "application/json"}
    response = standing.http().post(path, content=frame % value, headers=headers)
    assert response.status_code in {200, 422}, response.text
    if response.status_code == 200:
        run = standing.database.runs.get(standing.tenant, read_json(response)["id"])
        assert run
        assert standing.database.runs.get_request(run).inputs
