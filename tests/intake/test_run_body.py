"""Every field of the body that starts a run, from the wire to what the runner reads (letta_api_spec §1.1, §1.2)."""

from typing import Any

import pytest

from intake.deployment import Deployment
from intake.refusals import read_json
from nightshift.domain.approval import ApprovalDecision, ClientToolReturn
from nightshift.domain.content import (
    Base64Image,
    ImagePart,
    LettaImage,
    OmittedReasoningPart,
    ReasoningPart,
    ReasoningSummary,
    RedactedReasoningPart,
    SummarizedReasoningPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UrlImage,
)
from nightshift.domain.message import Role, ToolSchema
from nightshift.domain.run_request import ClientSkill, RunRequest

type Json = dict[str, Any]

PNG = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo=", "detail": "low"}
USER = {"role": "user", "content": "hello"}
DECISION = {"type": "approval", "tool_call_id": "call_1", "approve": False, "reason": "too much"}
RETURN = {"type": "tool", "tool_call_id": "call_2", "tool_return": "done", "status": "success"}

PARTS: tuple[tuple[Json, Any], ...] = (
    ({"type": "text", "text": "a", "signature": "s"}, TextPart("a", "s")),
    ({"type": "image", "source": PNG}, ImagePart(Base64Image("image/png", "iVBORw0KGgo=", "low"))),
    (
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        ImagePart(UrlImage("https://example.com/a.png")),
    ),
    (
        {"type": "image", "source": {"type": "letta", "file_id": "file-1", "data": "AAAA", "media_type": "image/gif"}},
        ImagePart(LettaImage("file-1", "image/gif", "AAAA")),
    ),
    (
        {"type": "tool_call", "id": "call_1", "name": "look", "input": {"at": [1, None]}, "signature": "s"},
        ToolCallPart("call_1", "look", {"at": [1, None]}, "s"),
    ),
    (
        {"type": "tool_return", "tool_call_id": "call_1", "content": "seen", "is_error": False},
        ToolReturnPart("call_1", "seen", is_error=False),
    ),
    (
        {"type": "reasoning", "reasoning": "hm", "is_native": False, "signature": "s"},
        ReasoningPart("hm", is_native=False, signature="s"),
    ),
    ({"type": "redacted_reasoning", "data": "b3Bh"}, RedactedReasoningPart("b3Bh")),
    ({"type": "omitted_reasoning", "signature": "s"}, OmittedReasoningPart("s")),
    ({"type": "omitted_reasoning"}, OmittedReasoningPart()),
)

SUMMARIZED: tuple[Json, Any] = (
    {
        "type": "summarized_reasoning",
        "id": "rs_1",
        "summary": [{"index": 0, "text": "First."}],
        "encrypted_content": "ZW5j",
    },
    SummarizedReasoningPart("rs_1", (ReasoningSummary(0, "First."),), "ZW5j"),
)


@pytest.fixture(scope="module")
def agent_id(standing: Deployment) -> str:
    return standing.create_agent().id


def _accepted(deployment: Deployment, agent_id: str, body: Json) -> RunRequest:
    """Post a body and return what the runner would read."""
    response = deployment.http().post(f"/v1/agents/{agent_id}/messages/async", json=body)
    assert response.status_code == 200, response.text
    run = deployment.database.runs.get(deployment.tenant, read_json(response)["id"])
    assert run
    return deployment.database.runs.get_request(run)


@pytest.mark.parametrize(("sent", "stored"), PARTS, ids=lambda value: str(value)[:40])
def test_part_of_a_message_is_stored_as_it_was_sent(
    standing: Deployment, agent_id: str, sent: Json, stored: Any
) -> None:
    for body in ({"input": [sent]}, {"messages": [USER | {"content": [sent]}]}):
        (draft,) = _accepted(standing, agent_id, body).inputs
        assert draft.content == (stored,)


@pytest.mark.parametrize(("sent", "stored"), [*PARTS[:8], SUMMARIZED], ids=lambda value: str(value)[:40])
def test_part_without_its_type_is_known_by_its_fields(
    standing: Deployment, agent_id: str, sent: Json, stored: Any
) -> None:
    untyped = {name: value for name, value in sent.items() if name != "type"}
    (draft,) = _accepted(standing, agent_id, {"input": [untyped]}).inputs
    assert draft.content == (stored,)


def test_input_may_hold_summarized_reasoning_too(standing: Deployment, agent_id: str) -> None:
    (draft,) = _accepted(standing, agent_id, {"input": [SUMMARIZED[0]]}).inputs
    assert draft.content == (SUMMARIZED[1],)


@pytest.mark.parametrize(
    ("item", "approvals"),
    [
        (
            {"type": "approval", "approvals": [DECISION, RETURN]},
            (
                ApprovalDecision("call_1", approve=False, reason="too much"),
                ClientToolReturn("call_2", (TextPart("done"),), "success"),
            ),
        ),
        (
            {"approvals": [{"tool_call_id": "call_1", "approve": True}]},
            (ApprovalDecision("call_1", approve=True),),
        ),
        (
            {"approvals": [RETURN | {"type": "tool", "tool_return": [{"text": "see"}, {"source": PNG}]}]},
            (
                ClientToolReturn(
                    "call_2",
                    (TextPart("see"), ImagePart(Base64Image("image/png", "iVBORw0KGgo=", "low"))),
                    "success",
                ),
            ),
        ),
        (
            {
                "approvals": [
                    {"tool_call_id": "call_2", "tool_return": "", "status": "error", "stdout": [], "stderr": ["x"]}
                ]
            },
            (ClientToolReturn("call_2", (TextPart(""),), "error", (), ("x",)),),
        ),
        (
            {"approve": False, "approval_request_id": "message-1", "reason": "no"},
            (ApprovalDecision("message-1", approve=False, reason="no", names_request=True),),
        ),
        (
            {"approvals": [DECISION], "approve": True, "approval_request_id": "message-1"},
            (ApprovalDecision("call_1", approve=False, reason="too much"),),
        ),
        (
            {"type": "tool_return", "tool_returns": [RETURN]},
            (ClientToolReturn("call_2", (TextPart("done"),), "success"),),
        ),
        (
            {"tool_returns": [{"tool_call_id": "call_2", "tool_return": "done", "status": "success"}]},
            (ClientToolReturn("call_2", (TextPart("done"),), "success"),),
        ),
    ],
    ids=lambda value: str(value)[:50],
)
def test_every_form_of_an_answer_is_kept_with_what_follows_it(
    standing: Deployment, agent_id: str, item: Json, approvals: Any
) -> None:
    request = _accepted(
        standing, agent_id, {"messages": [item | {"otid": "mine", "group_id": "group-1"}, USER, {"type": None} | USER]}
    )
    answer, *rest = request.inputs
    assert request.answers_approval
    assert (answer.role, answer.approvals, answer.content) == (Role.APPROVAL, approvals, ())
    assert (answer.otid, answer.group_id) == ("mine", "group-1")
    assert [draft.text for draft in rest] == ["hello", "hello"]


def test_every_option_reaches_the_runner(standing: Deployment, agent_id: str) -> None:
    parameters: Json = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    body = {
        "input": "hello",
        "client_tools": [
            {"name": "get_weather", "description": "weather by city", "parameters": parameters},
            {"name": "look"},
            {"name": "listen", "description": None, "parameters": None},
        ],
        "client_skills": [{"name": "fold", "description": "Folds paper.", "location": "skills/fold/SKILL.md"}],
        "enable_thinking": False,
        "override_model": "openai/gpt-4o-mini",
        "system": "Be brief.",
        "include_compaction_messages": True,
        "return_logprobs": True,
        "top_logprobs": 20,
        "return_token_ids": True,
        "unknown": {"field": 1},
    }
    request = _accepted(standing, agent_id, body)
    assert request.client_tools == (
        ToolSchema("get_weather", "weather by city", parameters),
        ToolSchema("look", ""),
        ToolSchema("listen", ""),
    )
    assert request.client_tools[1].parameters == {"type": "object", "properties": {}}
    assert request.client_skills == (ClientSkill("fold", "Folds paper.", "skills/fold/SKILL.md"),)
    assert (request.override_model, request.override_system) == ("openai/gpt-4o-mini", "Be brief.")
    assert (request.enable_thinking, request.include_compaction_messages) == ("false", True)
    assert (request.return_logprobs, request.top_logprobs, request.return_token_ids) == (True, 20, True)


def test_options_left_out_are_their_defaults(standing: Deployment, agent_id: str) -> None:
    nulls = dict.fromkeys(("client_tools", "client_skills", "top_logprobs", "override_model", "override_system"))
    for body in ({"input": "hello"}, {"input": "hello", **nulls}):
        request = _accepted(standing, agent_id, body)
        assert request == RunRequest(request.inputs, correlation_id=request.correlation_id)


@pytest.mark.parametrize(("sent", "stored"), [(True, "true"), (False, "false"), ("true", "true"), ("low", "low")])
def test_enable_thinking_is_a_word_or_a_truth(standing: Deployment, agent_id: str, sent: Any, stored: str) -> None:
    assert _accepted(standing, agent_id, {"input": "hello", "enable_thinking": sent}).enable_thinking == stored


def test_official_sdk_sends_every_kind_of_message(deployment: Deployment) -> None:
    messages = deployment.sdk().agents.messages
    agent_id = deployment.create_agent().id
    runs = [
        messages.create_async(agent_id, input=[{"type": "image", "source": PNG}]),  # type: ignore[typeddict-item]  # the SDK's types are narrower than the API
        messages.create_async(agent_id, messages=[{"type": "approval", "approvals": [DECISION]}]),  # type: ignore[list-item]  # the SDK's types are narrower than the API
        messages.create_async(agent_id, messages=[{"type": "tool_return", "tool_returns": [RETURN]}]),  # type: ignore[list-item]  # the SDK's types are narrower than the API
        messages.create_async(
            agent_id, input="hello", client_tools=[{"name": "look"}], enable_thinking="false", top_logprobs=0
        ),
    ]
    assert {run.status for run in runs} == {"created"}
