"""Where a context is cut (letta_api_spec §3.9), whatever was said in it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightshift.domain import ids
from nightshift.domain.compaction import CompactionSettings, Mode, Trigger, pack_summary
from nightshift.domain.display_parts import unpack_summary
from nightshift.domain.message import Compaction, Message, MessageDraft, Role, TextPart, ToolCall, ToolReturn
from nightshift.execution.compaction_plan import Scale, cut_context

NOW = datetime(2027, 2, 3, tzinfo=UTC)
WINDOW = 1_000


def said(role: Role, chars: int = 40) -> MessageDraft:
    return MessageDraft(role, (TextPart("x" * chars),))


def turn(calls: int, chars: int) -> list[MessageDraft]:
    """Return what a user says and the agent does: calls with their returns one by one, then an answer."""
    drafts = [said(Role.USER, chars)]
    for number in range(calls):
        call = ToolCall(f"call-{number}", "look_up", "{}")
        drafts.append(MessageDraft(Role.ASSISTANT, tool_calls=(call,)))
        returned = ToolReturn(call.id, call.name, "y" * chars, status="success")
        drafts.append(MessageDraft(Role.TOOL, tool_returns=(returned,)))
    return [*drafts, said(Role.ASSISTANT, chars)]


def context_of(drafts: list[MessageDraft]) -> list[Message]:
    return [Message(ids.message_id(place), place, NOW, draft) for place, draft in enumerate(drafts, 1)]


TURNS = st.lists(st.builds(turn, st.integers(0, 4), st.integers(1, 2_000)), min_size=1, max_size=12)


@given(TURNS, st.sampled_from(Mode), st.sampled_from(Trigger), st.floats(0, 1))
def test_calls_and_their_returns_are_never_parted(
    turns: list[list[MessageDraft]], mode: Mode, trigger: Trigger, share: float
) -> None:
    context = context_of([draft for one in turns for draft in one])
    scale = Scale.of(context, "system", WINDOW, 0)
    cut = cut_context(context, CompactionSettings(mode, sliding_window_percentage=share), scale, trigger)

    if cut is None:
        assert len(context) < 2
        return
    assert [*cut.evicted, *cut.kept] == context
    assert cut.evicted
    assert not cut.evicted[-1].draft.tool_calls
    assert all(message.role is Role.ASSISTANT for message in cut.kept[:1])
    if cut.kept:
        assert scale.tokens(cut.kept) <= (1 - share) * WINDOW


@pytest.mark.parametrize(
    ("chars", "evicted"),
    [(40, 7), (380, 15), (4_000, 20)],
    ids=["four tenths are enough", "more until the rest fits", "all where nothing fits"],
)
def test_more_is_evicted_until_the_rest_fits(chars: int, evicted: int) -> None:
    context = context_of([draft for _ in range(10) for draft in turn(0, chars)])
    cut = cut_context(context, CompactionSettings(), Scale.of(context, "", WINDOW, 0), Trigger.POST_STEP)

    assert cut is not None
    assert len(cut.evicted) == evicted


def test_estimates_are_brought_in_line_with_the_providers_count() -> None:
    context = context_of([draft for _ in range(10) for draft in turn(0, 40)])
    cut = cut_context(context, CompactionSettings(), Scale.of(context, "", WINDOW, 2_000), Trigger.POST_STEP)

    assert cut is not None
    assert len(cut.evicted) == 13


def test_calls_without_returns_stay() -> None:
    waiting = MessageDraft(Role.ASSISTANT, tool_calls=(ToolCall("call-1", "look_up", "{}"),))
    context = context_of([said(Role.USER), said(Role.ASSISTANT), said(Role.USER), waiting])
    cut = cut_context(context, CompactionSettings(Mode.ALL), Scale.of(context, "", WINDOW, 0), Trigger.MANUAL)

    assert cut is not None
    assert cut.kept == (context[-1],)


@pytest.mark.parametrize("trigger", Trigger)
def test_a_summary_alone_gives_way_to_nothing(trigger: Trigger) -> None:
    summary = MessageDraft(Role.USER, (TextPart("{}"),), compaction=Compaction("manual", WINDOW))
    context = context_of([summary])
    assert cut_context(context, CompactionSettings(), Scale.of(context, "", WINDOW, 0), trigger) is None


@given(st.text())
def test_summary_survives_its_packing(summary: str) -> None:
    assert unpack_summary(pack_summary(summary, Compaction("manual", WINDOW), NOW)) == summary


@pytest.mark.parametrize("text", ["earlier", "[1]", '{"message": 3}', '"quoted"'])
def test_text_that_is_not_packed_is_the_summary(text: str) -> None:
    assert unpack_summary(text) == text


def test_settings_are_taken_from_the_first_that_names_them() -> None:
    settings = CompactionSettings.from_json({"mode": "all", "prompt": None}, {"mode": "sliding_window", "prompt": "P"})
    assert (settings.mode, settings.prompt, settings.clip_chars) == (Mode.ALL, "P", 50_000)
