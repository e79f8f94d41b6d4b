"""What a callback says, and that it says the same each time."""

import json
from collections.abc import Iterator
from dataclasses import replace

from nightshift.delivery.body import build_body
from nightshift.domain import ids
from nightshift.domain.display import show_messages
from nightshift.domain.message import Message, MessageDraft, Role, TextPart
from nightshift.domain.run import DisplayConfig
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from support.stored_runs import COMPLETED_AT, delivery_of, ended_run, one_turn

URL = "https://hooks.example/x"


def test_body_has_run_outcome_and_result() -> None:
    run = ended_run()
    body = json.loads(build_body(run, delivery_of(run, URL), one_turn(run)))
    assert body == {
        "run_id": run.id,
        "status": "completed",
        "completed_at": "2026-11-25T08:59:58.250000Z",
        "metadata": {
            "run_type": "send_message_async",
            "lettuce": None,
            "result": {
                "messages": body["metadata"]["result"]["messages"],
                "stop_reason": {"message_type": "stop_reason", "stop_reason": "end_turn"},
                "usage": {
                    "message_type": "usage_statistics",
                    "completion_tokens": 9,
                    "prompt_tokens": 120,
                    "total_tokens": 129,
                    "step_count": 1,
                    "run_ids": [run.id],
                    "cached_input_tokens": 0,
                    "cache_write_tokens": 0,
                    "reasoning_tokens": 0,
                    "context_tokens": None,
                },
                "logprobs": None,
                "turns": None,
            },
        },
    }


def test_messages_are_those_of_the_run() -> None:
    run = ended_run()
    messages = one_turn(run)
    body = json.loads(build_body(run, delivery_of(run, URL), messages))
    shown = body["metadata"]["result"]["messages"]
    assert shown == show_messages(messages, run.display)
    assert [message["message_type"] for message in shown] == [
        "user_message",
        "assistant_message",
        "tool_call_message",
    ]
    assert shown[1]["content"] == "Bob — 名前"


def test_messages_are_filtered_as_the_request_asked() -> None:
    run = ended_run(display=DisplayConfig(include_return_message_types=("assistant_message",)))
    body = json.loads(build_body(run, delivery_of(run, URL), one_turn(run)))
    assert [message["message_type"] for message in body["metadata"]["result"]["messages"]] == ["assistant_message"]


def test_first_hundred_messages_are_shown_and_no_more_are_read() -> None:
    run, draft = ended_run(last_sequence=1_000), MessageDraft(Role.USER, (TextPart("hello"),))
    read: list[str] = []

    def reading() -> Iterator[Message]:
        for sequence in range(1, 1_001):
            read.append(ids.message_id(sequence))
            yield Message(read[-1], sequence, COMPLETED_AT, draft, run.id)

    body = json.loads(build_body(run, delivery_of(run, URL), reading()))
    assert [message["id"] for message in body["metadata"]["result"]["messages"]] == read
    assert len(read) == 100


def test_failed_run_says_why() -> None:
    run = ended_run(status=RunStatus.FAILED, stop_reason=StopReason.LLM_API_ERROR, error="the model said 500")
    body = json.loads(build_body(run, delivery_of(run, URL), []))
    assert body["status"] == "failed"
    assert body["metadata"]["error"] == "the model said 500"
    assert body["metadata"]["result"]["stop_reason"]["stop_reason"] == "llm_api_error"


def test_approval_cancelled_later_does_not_change_what_is_told() -> None:
    run = ended_run(stop_reason=StopReason.REQUIRES_APPROVAL)
    delivery, messages = delivery_of(run, URL), one_turn(run)
    cancelled = replace(run, status=RunStatus.CANCELLED, stop_reason=StopReason.CANCELLED)
    assert build_body(cancelled, delivery, messages) == build_body(run, delivery, messages)


def test_text_that_is_no_unicode_is_still_sent() -> None:
    run = ended_run()
    body = build_body(run, delivery_of(run, URL), one_turn(run, reply="half a pair: \ud83d"))
    assert json.loads(body)["metadata"]["result"]["messages"][1]["content"] == "half a pair: \ud83d"
