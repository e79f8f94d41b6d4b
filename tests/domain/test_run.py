"""What a run and its messages know about themselves."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nightshift.domain.message import MessageDraft, ReasoningPart, Role, TextPart, Usage
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from support.clock import START

AGENT_ID, CONVERSATION_ID = "agent-1", "conv-1"

counts = st.builds(Usage, *[st.integers(0, 10**9)] * 6)


def _run(started_at: datetime | None = None, completed_at: datetime | None = None, conversation: str = AGENT_ID) -> Run:
    return Run(
        "run-1",
        "default",
        AGENT_ID,
        conversation,
        RunStatus.COMPLETED,
        START,
        started_at=started_at,
        completed_at=completed_at,
    )


@given(st.timedeltas(timedelta(), timedelta(days=3_650)))
def test_duration_is_exact_to_the_microsecond(elapsed: timedelta) -> None:
    duration = _run(START, START + elapsed).total_duration_ns
    assert duration == elapsed // timedelta(microseconds=1) * 1_000


def test_duration_is_unknown_before_both_ends() -> None:
    assert _run().total_duration_ns is None
    assert _run(started_at=START).total_duration_ns is None
    assert _run(completed_at=START).total_duration_ns is None


def test_default_conversation_has_no_public_id() -> None:
    assert _run().public_conversation_id is None
    assert _run(conversation=CONVERSATION_ID).public_conversation_id == CONVERSATION_ID


def test_text_of_a_message_is_its_text_parts_line_by_line() -> None:
    draft = MessageDraft(Role.ASSISTANT, (TextPart("a"), ReasoningPart("not this"), TextPart("b")))
    assert draft.text == "a\nb"
    assert MessageDraft(Role.TOOL).text == ""


@given(counts, counts, counts)
def test_usage_adds_up_in_any_order(first: Usage, second: Usage, third: Usage) -> None:
    assert (first + second) + third == third + (second + first)
    assert first + Usage() == first
    assert (first + second).total_tokens == first.total_tokens + second.total_tokens
