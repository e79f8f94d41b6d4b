"""Every message that letta_api_spec §4 shows, from the message that is stored for it; the official SDK reads each."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from letta_client._models import construct_type, validate_type
from letta_client.types.agents import LettaResponse
from letta_client.types.agents import Message as SdkMessage
from pydantic import ValidationError

from nightshift.domain.approval import ApprovalDecision, ClientToolReturn
from nightshift.domain.content import (
    Base64Image,
    ImagePart,
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
from nightshift.domain.display import show_message
from nightshift.domain.message import Compaction, Message, MessageDraft, Role, ToolCall, ToolReturn

type Json = dict[str, Any]

EXAMPLES: Json = json.loads((Path(__file__).parent / "message_examples.json").read_text("utf-8"))

DATE = datetime(2027, 2, 3, 10, 15, 30, tzinfo=UTC)
RUN_ID = "run-0b7e4c1d-3f55-4a29-9c60-d1a8f2e3b4c5"
STEP_ID = "step-9e2d6b70-1c4a-4f83-b5d7-60a1c2e3f405"
OTID = "4be1d6f0-6b0b-4f5e-9a55-0f6c8ad0c11"
COMPACTION = Compaction("post_step_context_check", 32_000, 29_110, 9_020, 84, 31)

LOOKUPS = (
    ToolCall("call_7Qp2", "lookup_order", '{"order_id": "A-17"}'),
    ToolCall("call_8Rk5", "lookup_order", '{"order_id": "A-18"}'),
)
REFUND = ToolCall("call_9Tz1", "refund", '{"order_id": "A-17"}')
ANSWER = MessageDraft(
    Role.ASSISTANT, (ReasoningPart("The order id is known, look it up."), TextPart("Let me check.")), LOOKUPS
)
RETURNS = (
    ToolReturn("call_7Qp2", "lookup_order", "in transit", "success"),
    ToolReturn("call_8Rk5", "lookup_order", "no such order", "error", ("queried db",), ("KeyError: A-18",)),
)
LABEL = ImagePart(Base64Image("image/png", "iVBORw0KGgo="))
DENIAL = ApprovalDecision("call_9Tz1", approve=False, reason="amount too high")
REFUNDED = ClientToolReturn("call_9Tz1", (TextPart("refunded 20 EUR"),), "success")

SYSTEM = MessageDraft(Role.SYSTEM, (TextPart("You track parcels.\n\n<memory_blocks>…</memory_blocks>"),))
SUMMARY = "Earlier: the user asked about A-17; it is in transit."

STORED = (
    (1, SYSTEM, None, None, ["system"]),
    (2, MessageDraft(Role.USER, (TextPart("Where is order A-17?"),), otid=f"{OTID}1"), RUN_ID, STEP_ID, ["user_text"]),
    (
        3,
        MessageDraft(Role.USER, (TextPart("What is on this label?"), LABEL), otid=f"{OTID}2"),
        RUN_ID,
        STEP_ID,
        ["user_parts"],
    ),
    (4, ANSWER, RUN_ID, STEP_ID, ["reasoning", "assistant", "tool_call"]),
    (
        5,
        MessageDraft(Role.ASSISTANT, (RedactedReasoningPart("b3BhcXVl"),)),
        RUN_ID,
        STEP_ID,
        ["hidden_reasoning"],
    ),
    (6, MessageDraft(Role.TOOL, tool_returns=RETURNS), RUN_ID, STEP_ID, ["tool_return"]),
    (
        7,
        MessageDraft(Role.ASSISTANT, tool_calls=(REFUND,), gated_call_ids=(REFUND.id,)),
        RUN_ID,
        STEP_ID,
        ["approval_request"],
    ),
    (8, MessageDraft(Role.APPROVAL, approvals=(DENIAL,), otid="mine"), RUN_ID, None, ["approval_response_decision"]),
    (9, MessageDraft(Role.APPROVAL, approvals=(REFUNDED,)), RUN_ID, None, ["approval_response_tool"]),
    (10, MessageDraft(Role.SUMMARY, (TextPart(SUMMARY),), compaction=COMPACTION), RUN_ID, STEP_ID, ["summary"]),
    (11, MessageDraft(Role.EVENT, compaction=COMPACTION), RUN_ID, STEP_ID, ["event"]),
)


def _message(number: int, draft: MessageDraft, run_id: str | None = RUN_ID, step_id: str | None = STEP_ID) -> Message:
    return Message(f"message-{number:08x}-0a1b-4c2d-8e3f-5a6b7c8d9e00", number, DATE, draft, run_id, step_id)


def _assistant(*parts: Any, **fields: Any) -> list[Json]:
    return show_message(_message(4, MessageDraft(Role.ASSISTANT, parts, **fields)))


def _read(shown: Json) -> Any:
    return validate_type(type_=SdkMessage, value=shown)  # type: ignore[arg-type]  # the union is annotated


@pytest.mark.parametrize(("number", "draft", "run_id", "step_id", "names"), STORED, ids=lambda value: str(value)[:30])
def test_stored_message_is_shown_as_the_specification_does(
    number: int, draft: MessageDraft, run_id: str | None, step_id: str | None, names: Sequence[str]
) -> None:
    assert show_message(_message(number, draft, run_id, step_id)) == [EXAMPLES[name] for name in names]


def test_every_example_has_its_test() -> None:
    assert {name for *_, names in STORED for name in names} == EXAMPLES.keys()
    assert len({example["message_type"] for example in EXAMPLES.values()}) == 11


@pytest.mark.parametrize("name", EXAMPLES)
def test_official_sdk_reads_what_is_shown(name: str) -> None:
    assert _read(EXAMPLES[name]).message_type == EXAMPLES[name]["message_type"]
    with pytest.raises(ValidationError):
        _read(EXAMPLES[name] | {"date": "some day"})


def test_official_sdk_reads_all_within_a_response() -> None:
    shown = [part for number, draft, run_id, step_id, _ in STORED for part in show_message(_message(number, draft))]
    response: Json = {"messages": shown, "usage": {}, "stop_reason": {"stop_reason": "end_turn"}}
    assert len(validate_type(type_=LettaResponse, value=response).messages) == len(shown)
    assert construct_type(type_=LettaResponse, value=response) == validate_type(type_=LettaResponse, value=response)


def test_reasoning_that_was_not_sent_is_shown_as_omitted() -> None:
    (shown,) = _assistant(OmittedReasoningPart("c2ln"))
    assert (shown["message_type"], shown["state"], shown["hidden_reasoning"]) == (
        "hidden_reasoning_message",
        "omitted",
        None,
    )


def test_summarized_reasoning_is_shown_as_reasoning() -> None:
    part = SummarizedReasoningPart("rs_1", (ReasoningSummary(0, "First."), ReasoningSummary(1, "Then.")), "ZW5j")
    (shown,) = _assistant(part)
    assert (shown["message_type"], shown["reasoning"], shown["signature"]) == (
        "reasoning_message",
        "First.\nThen.",
        "ZW5j",
    )


def test_calls_that_run_at_once_are_shown_apart_from_those_that_wait() -> None:
    shown = _assistant(TextPart("Both."), tool_calls=(*LOOKUPS, REFUND), gated_call_ids=(REFUND.id,))
    assert [part["message_type"] for part in shown] == [
        "assistant_message",
        "tool_call_message",
        "approval_request_message",
    ]
    assert [call["tool_call_id"] for call in shown[1]["tool_calls"]] == ["call_7Qp2", "call_8Rk5"]
    assert [call["tool_call_id"] for call in shown[2]["tool_calls"]] == ["call_9Tz1"]
    assert [part["otid"][-1] for part in shown] == ["0", "1", "0"]
    assert shown[2]["otid"] == shown[2]["id"]


def test_users_reasoning_follows_the_users_message() -> None:
    draft = MessageDraft(Role.USER, (ReasoningPart("hm", is_native=False), TextPart("well?")), otid="mine")
    said, thought = show_message(_message(2, draft))
    assert (said["content"], said["otid"]) == ("well?", "mine")
    assert (thought["source"], thought["otid"][-1]) == ("non_reasoner_model", "1")


def test_users_parts_without_a_shape_are_shown_in_words() -> None:
    parts = (
        ImagePart(UrlImage("https://example.com/label.png")),
        ToolCallPart("call_1", "look", {"at": "ü"}),
        ToolReturnPart("call_1", "nothing there", is_error=True),
    )
    (shown,) = show_message(_message(2, MessageDraft(Role.USER, parts)))
    assert shown["content"] == [
        {"type": "image", "source": {"type": "url", "url": "https://example.com/label.png"}},
        {"type": "text", "text": '[tool call: look({"at": "ü"})]'},
        {"type": "text", "text": "[tool error: nothing there]"},
    ]
    assert _read(shown).content[1].text == '[tool call: look({"at": "ü"})]'


def test_return_of_a_client_tool_may_hold_pictures() -> None:
    given = ClientToolReturn("call_9Tz1", (TextPart("see"), LABEL), "error", (), ("boom",))
    (shown,) = show_message(_message(9, MessageDraft(Role.APPROVAL, approvals=(given, DENIAL)), step_id=None))
    (first, second) = shown["approvals"]
    assert [part["type"] for part in first["tool_return"]] == ["text", "image"]
    assert (first["status"], first["stdout"], first["stderr"]) == ("error", [], ["boom"])
    assert second["type"] == "approval"
    assert (shown["approve"], shown["approval_request_id"], shown["reason"]) == (None, "call_9Tz1", None)
