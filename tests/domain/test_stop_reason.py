"""Every stop reason means one terminal status (letta_api_spec §2.3)."""

from typing import get_args

import pytest
from letta_client.types import StopReasonType

from nightshift.domain.run_status import ACTIVE_STATUSES, RunStatus
from nightshift.domain.stop_reason import StopReason, status_of

STATUSES = {
    "end_turn": "completed",
    "max_steps": "completed",
    "tool_rule": "completed",
    "requires_approval": "completed",
    "max_tokens_exceeded": "failed",
    "insufficient_credits": "failed",
    "invalid_tool_call": "failed",
    "no_tool_call": "failed",
    "context_window_overflow_in_system_prompt": "failed",
    "error": "failed",
    "llm_api_error": "failed",
    "invalid_llm_response": "failed",
    "cancelled": "cancelled",
}


@pytest.mark.parametrize(("reason", "status"), STATUSES.items())
def test_stop_reason_has_its_status(reason: str, status: str) -> None:
    assert status_of(StopReason(reason)) is RunStatus(status)


def test_stop_reasons_are_those_of_the_sdk() -> None:
    assert {reason.value for reason in StopReason} == set(STATUSES) == set(get_args(StopReasonType))


def test_status_is_terminal_unless_it_is_active() -> None:
    assert {status for status in RunStatus if not status.is_terminal} == ACTIVE_STATUSES
    assert {status.value for status in ACTIVE_STATUSES} == {"created", "running"}
