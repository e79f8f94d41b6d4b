"""Stored messages look to clients exactly as letta_api_spec §4 shows them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.domain import ids
from nightshift.domain.callback import CallbackDelivery
from nightshift.domain.display import (
    MAX_RESULT_MESSAGES,
    show_message,
    show_messages,
    show_metadata,
    show_result,
    show_usage,
    show_usage_statistics,
)
from nightshift.domain.message import Message, MessageDraft, ReasoningPart, Role, TextPart, ToolCall, ToolReturn, Usage
from nightshift.domain.run import DisplayConfig, Run
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason

DATE = datetime(2027, 2, 3, 10, 15, 30, 999_999, tzinfo=UTC)
RUN_ID = "run-0b7e4c1d-3f55-4a29-9c60-d1a8f2e3b4c5"
STEP_ID = "step-9e2d6b70-1c4a-4f83-b5d7-60a1c2e3f405"
OTID = "4be1d6f0-6b0b-4f5e-9a55-0f6c8ad0c111"
USAGE = Usage(1_210, 41, 1_251, cached_input_tokens=30, cache_write_tokens=20, reasoning_tokens=10)


def _message(number: int, draft: MessageDraft, run_id: str | None = RUN_ID, step_id: str | None = STEP_ID) -> Message:
    return Message(_id(number), number, DATE, draft, run_id, step_id)


def _id(number: int) -> str:
    return f"message-{number:08x}-0a1b-4c2d-8e3f-5a6b7c8d9e00"


def _shown(number: int, message_type: str, otid: str | None, **fields: Any) -> dict[str, Any]:
    common = {
        "id": _id(number),
        "date": "2027-02-03T10:15:30+00:00",
        "name": None,
        "message_type": message_type,
        "otid": otid,
        "sender_id": None,
        "step_id": STEP_ID,
        "is_err": None,
        "seq_id": None,
        "run_id": RUN_ID,
    }
    return common | fields


def _user(*texts: str, **fields: Any) -> MessageDraft:
    return MessageDraft(Role.USER, tuple(TextPart(text) for text in texts), otid=OTID, **fields)


def _run(**fields: Any) -> Run:
    agent_id = "agent-5c1f7a52-9d0e-4b6f-8a37-2e4d90c1b7aa"
    run = Run(RUN_ID, "default", agent_id, agent_id, RunStatus.COMPLETED, DATE, usage=USAGE, step_count=2)
    return replace(run, **fields)


def test_system_message() -> None:
    draft = MessageDraft(Role.SYSTEM, (TextPart("You track parcels.\n\n<memory_blocks>…</memory_blocks>"),))
    assert show_message(_message(1, draft, run_id=None, step_id=None)) == [
        _shown(
            1,
            "system_message",
            None,
            step_id=None,
            run_id=None,
            content="You track parcels.\n\n<memory_blocks>…</memory_blocks>",
        )
    ]


def test_user_message_of_one_text_shows_a_string() -> None:
    assert show_message(_message(2, _user("Where is order A-17?"))) == [
        _shown(2, "user_message", OTID, content="Where is order A-17?")
    ]


def test_user_message_of_several_texts_shows_parts() -> None:
    (shown,) = show_message(_message(3, _user("What is", "on this label?")))
    assert shown["content"] == [{"type": "text", "text": "What is"}, {"type": "text", "text": "on this label?"}]


def test_user_message_shows_who_sent_it() -> None:
    draft = _user("hello", name="Bob", sender_id="identity-1", group_id="group-1", batch_item_id="batch-1")
    assert show_message(_message(2, draft)) == [
        _shown(2, "user_message", OTID, content="hello", name="Bob", sender_id="identity-1")
    ]


def test_assistant_message_shows_reasoning_then_words_then_calls() -> None:
    calls = (
        ToolCall("call_7Qp2", "lookup_order", '{"order_id": "A-17"}'),
        ToolCall("call_8Rk5", "lookup_order", '{"order_id": "A-18"}'),
    )
    content = (TextPart("Let me check."), ReasoningPart("The order id is known, look it up."))
    shown_calls = [
        {"name": "lookup_order", "arguments": '{"order_id": "A-17"}', "tool_call_id": "call_7Qp2"},
        {"name": "lookup_order", "arguments": '{"order_id": "A-18"}', "tool_call_id": "call_8Rk5"},
    ]
    assert show_message(_message(4, MessageDraft(Role.ASSISTANT, content, tool_calls=calls))) == [
        _shown(
            4,
            "reasoning_message",
            "00000004-0a1b-4c2d-8e3f-5a6b7c8d9e00",
            source="reasoner_model",
            reasoning="The order id is known, look it up.",
            signature=None,
        ),
        _shown(4, "assistant_message", "00000004-0a1b-4c2d-8e3f-5a6b7c8d9e01", content="Let me check."),
        _shown(
            4,
            "tool_call_message",
            "00000004-0a1b-4c2d-8e3f-5a6b7c8d9e02",
            tool_call=shown_calls[0],
            tool_calls=shown_calls,
        ),
    ]


def test_reasoning_tells_who_thought_and_keeps_its_signature() -> None:
    content = (ReasoningPart("a", signature="c2ln"), ReasoningPart("b", is_native=False))
    shown = show_message(_message(4, MessageDraft(Role.ASSISTANT, content)))
    assert [(part["source"], part["signature"]) for part in shown] == [
        ("reasoner_model", "c2ln"),
        ("non_reasoner_model", None),
    ]


def test_assistant_message_without_words_shows_its_calls_alone() -> None:
    draft = MessageDraft(Role.ASSISTANT, (TextPart(""),), tool_calls=(ToolCall("call_1", "noop", "{}"),))
    assert [part["message_type"] for part in show_message(_message(4, draft))] == ["tool_call_message"]


def test_tool_returns_are_shown_together_with_mirrors_of_the_first() -> None:
    returns = (
        ToolReturn("call_7Qp2", "lookup_order", "in transit", "success"),
        ToolReturn("call_8Rk5", "other", "no such order", "error", ("queried db",), ("KeyError: A-18",)),
    )
    first = {"tool_return": "in transit", "status": "success", "tool_call_id": "call_7Qp2", "stdout": [], "stderr": []}
    second = {
        "type": "tool",
        "tool_return": "no such order",
        "status": "error",
        "tool_call_id": "call_8Rk5",
        "stdout": ["queried db"],
        "stderr": ["KeyError: A-18"],
    }
    assert show_message(_message(6, MessageDraft(Role.TOOL, tool_returns=returns))) == [
        _shown(
            6,
            "tool_return_message",
            "00000006-0a1b-4c2d-8e3f-5a6b7c8d9e00",
            name="lookup_order",
            tool_returns=[{"type": "tool"} | first, second],
            **first,
        )
    ]


def test_only_the_types_asked_for_are_shown() -> None:
    answer = MessageDraft(Role.ASSISTANT, (ReasoningPart("hm"), TextPart("yes")))
    messages = [_message(2, _user("well?")), _message(4, answer)]

    def kinds(*types: str) -> list[str]:
        shown = show_messages(messages, DisplayConfig(include_return_message_types=types))
        return [part["message_type"] for part in shown]

    assert kinds("assistant_message") == ["assistant_message"]
    assert kinds("assistant_message", "user_message") == ["user_message", "assistant_message"]
    assert kinds("summary_message") == []
    assert len(show_messages(messages, DisplayConfig())) == 3


@given(st.lists(st.sampled_from(["text", "reasoning", "call"]), min_size=1, max_size=20))
def test_parts_of_an_answer_share_its_id_and_have_otids_of_their_own(kinds: list[str]) -> None:
    content = tuple(TextPart("x") if kind == "text" else ReasoningPart("y") for kind in kinds if kind != "call")
    calls = tuple(ToolCall(f"call_{number}", "noop", "{}") for number in range(kinds.count("call")))
    shown = show_message(_message(9, MessageDraft(Role.ASSISTANT, content, tool_calls=calls)))
    assert {part["id"] for part in shown} == {_id(9)}
    assert len({part["otid"] for part in shown}) == len(shown)
    order = ["reasoning_message", "assistant_message", "tool_call_message"]
    found = [order.index(part["message_type"]) for part in shown]
    assert found == sorted(found)


def test_usage_names_every_count() -> None:
    assert show_usage(USAGE) == {
        "completion_tokens": 41,
        "prompt_tokens": 1_210,
        "total_tokens": 1_251,
        "completion_tokens_details": {"reasoning_tokens": 10},
        "prompt_tokens_details": {"cached_tokens": 30, "cache_read_tokens": 30, "cache_creation_tokens": 20},
    }


def test_usage_statistics_are_the_runs() -> None:
    assert show_usage_statistics(_run()) == {
        "message_type": "usage_statistics",
        "completion_tokens": 41,
        "prompt_tokens": 1_210,
        "total_tokens": 1_251,
        "step_count": 2,
        "run_ids": [RUN_ID],
        "cached_input_tokens": 30,
        "cache_write_tokens": 20,
        "reasoning_tokens": 10,
        "context_tokens": None,
    }


@pytest.mark.parametrize(("error", "extra"), [(None, {}), ("no such model", {"error": "no such model"})])
def test_metadata_holds_the_error_of_a_failed_run(error: str | None, extra: dict[str, str]) -> None:
    expected = {"run_type": "send_message_async", "lettuce": None} | extra
    assert show_metadata(_run(error=error)) == expected


def test_result_is_a_letta_response_with_the_deliverys_stop_reason() -> None:
    run = _run(display=DisplayConfig(include_return_message_types=("user_message",)))
    delivery = CallbackDelivery(
        "delivery-1", "default", RUN_ID, "https://example.com", RunStatus.COMPLETED, StopReason.MAX_STEPS, DATE
    )
    messages = [_message(2, _user("well?")), _message(4, MessageDraft(Role.ASSISTANT, (TextPart("yes"),)))]
    assert show_result(run, delivery, messages) == {
        "messages": [_shown(2, "user_message", OTID, content="well?")],
        "stop_reason": {"message_type": "stop_reason", "stop_reason": "max_steps"},
        "usage": show_usage_statistics(run),
        "logprobs": None,
        "turns": None,
    }


def test_result_reads_no_more_messages_than_it_shows() -> None:
    delivery = CallbackDelivery("delivery-1", "default", RUN_ID, "", RunStatus.COMPLETED, StopReason.END_TURN, DATE)
    messages = (_message(number, _user("x")) for number in range(1, 1_000))
    assert len(show_result(_run(), delivery, messages)["messages"]) == MAX_RESULT_MESSAGES
    assert next(messages).sequence == MAX_RESULT_MESSAGES + 1


def test_every_shown_id_is_well_formed() -> None:
    (shown,) = show_message(_message(2, _user("x")))
    assert ids.is_well_formed("message", shown["id"])
    assert ids.is_well_formed("step", shown["step_id"])
