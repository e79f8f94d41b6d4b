"""Compaction as it happens in runs: what triggers it, what it leaves, what the model sees then (§3.9)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from nightshift.domain.compaction import NOTHING_TO_COMPACT
from nightshift.domain.message import Message, Role
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.intake.conversation_path import find_place
from nightshift.intake.query import Queries
from nightshift.intake.renewal import Renewal
from nightshift.intake.wire.lists import AgentMessagesQuery, RunMessagesQuery
from support.compactions import FULL, is_asked_for_summary, summaries_in
from support.lane import TENANT, Lane
from support.scripted_model.answers import Answer, Call, ErrorReply, Reply, TokenCounts
from support.scripted_model.rules import Rule
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

SUMMARY = "They greeted each other."
TOO_LONG = ErrorReply(400, code="context_length_exceeded")


A_SUMMARY = Reply(SUMMARY)


def summing_up(rule: Rule, summary: Answer = A_SUMMARY) -> Rule:
    """Make a model that follows the rule, and gives this summary when it is asked for one."""
    return lambda seen: summary if is_asked_for_summary(seen) else rule(seen)


def talk(lane: Lane, turns: int, **fields: object) -> list[Run]:
    """Let as many runs come and go."""
    runs = [lane.accept(f"question {turn}", **fields) for turn in range(turns)]
    lane.run_slice()
    return [lane.run(run) for run in runs]


def answer(_seen: SeenRequest) -> Reply:
    return Reply("An answer.")


def full_answer(_seen: SeenRequest) -> Reply:
    return Reply("An answer.", tokens=FULL)


def types_of(lane: Lane, run: Run) -> list[str]:
    """Return the types of the run's messages as the API lists them."""
    shown = Queries(lane.database).run_messages(TENANT, run.id, RunMessagesQuery(order="asc"))
    return [one["message_type"] for one in shown]


def summaries(lane: Lane) -> list[Message]:
    return [message for message in lane.log if message.draft.compaction and message.role is not Role.EVENT]


def test_step_that_fills_the_window_is_followed_by_a_compaction(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(answer))
    talk(lane, 4)
    provider.play(rule=summing_up(full_answer))
    (run,) = talk(lane, 1)

    assert (run.status, run.stop_reason, run.step_count) == (RunStatus.COMPLETED, StopReason.END_TURN, 1)
    (summary,) = summaries(lane)
    assert (summary.role, summary.run_id, summary.sequence) == (Role.USER, run.id, run.last_sequence)
    packed = json.loads(summary.draft.text)
    assert packed["type"] == "system_alert"
    assert packed["message"].endswith(SUMMARY)
    stats = packed["compaction_stats"]
    assert (stats["trigger"], stats["messages_count_before"]) == ("post_step_context_check", 11)
    assert stats["context_tokens_before"] > 115_200 > stats["context_tokens_after"]
    lane.assert_settled([run])


def test_next_run_sees_the_summary_then_what_was_kept(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(answer))
    talk(lane, 4)
    lane.compact()
    lane.run_slice()
    provider.play(rule=summing_up(answer))
    talk(lane, 1)

    seen = provider.requests[-1]
    turns = [(turn.role, turn.text) for turn in seen.turns]
    assert [role for role, _ in turns] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    assert json.loads(turns[1][1])["message"].endswith(SUMMARY)
    assert [text for role, text in turns if role == "user"][1:] == ["question 2", "question 3", "question 0"]


def test_run_in_the_same_slice_goes_on_with_the_summary(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(full_answer))
    talk(lane, 2)

    asked = [seen for seen in provider.requests if not is_asked_for_summary(seen)]
    assert [len(summaries_in(seen)) for seen in asked] == [0, 1]


def test_second_summary_is_made_of_the_first(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(full_answer))
    talk(lane, 2)
    provider.play(rule=summing_up(answer))
    talk(lane, 1)

    seen = provider.requests[-1]
    assert len(summaries_in(seen)) == 1
    assert len(summaries(lane)) == 2


def test_asked_for_messages_show_an_event_and_the_summary(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(full_answer))
    (run,) = talk(lane, 1, include_compaction_messages=True)

    assert types_of(lane, run) == ["user_message", "assistant_message", "event_message", "summary_message"]
    *_, event, summary = Queries(lane.database).run_messages(TENANT, run.id, RunMessagesQuery(order="asc"))
    assert event["event_type"] == "compaction"
    assert event["event_data"]["trigger"] == "post_step_context_check"
    assert summary["summary"] == SUMMARY
    assert summary["compaction_stats"]["messages_count_after"] == 2
    assert event["step_id"] == summary["step_id"] == lane.log[1].step_id


def test_without_asking_only_the_history_shows_the_summary(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(full_answer))
    (run,) = talk(lane, 1)

    assert types_of(lane, run) == ["user_message", "assistant_message"]
    history = Queries(lane.database).agent_messages(TENANT, lane.agent.id, AgentMessagesQuery())
    assert history[-1]["message_type"] == "user_message"
    assert json.loads(history[-1]["content"])["message"].endswith(SUMMARY)


def test_refused_context_is_compacted_and_asked_again(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(answer))
    talk(lane, 3)
    provider.play(rule=summing_up(lambda seen: Reply("Now it fits.") if summaries_in(seen) else TOO_LONG))
    (run,) = talk(lane, 1, include_compaction_messages=True)

    assert (run.status, run.step_count) == (RunStatus.COMPLETED, 1)
    assert types_of(lane, run) == ["user_message", "event_message", "summary_message", "assistant_message"]
    assert {message.step_id for message in lane.log[-3:]} == {lane.log[-1].step_id}
    (summary,) = summaries(lane)
    assert summary.draft.compaction is not None
    assert summary.draft.compaction.trigger == "context_window_exceeded"


def test_context_that_never_fits_is_compacted_three_times_at_most(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(answer))
    talk(lane, 12)
    provider.play(rule=summing_up(lambda _: TOO_LONG))
    (run,) = talk(lane, 1)

    assert (run.status, run.stop_reason) == (RunStatus.FAILED, StopReason.LLM_API_ERROR)
    step = lane.database.steps.get(TENANT, run.id, 1)
    assert step is not None
    assert step.error_type == "LLMContextWindowExceededError"
    assert len([seen for seen in provider.requests if is_asked_for_summary(seen)]) <= 3
    provider.play(rule=summing_up(answer))
    (after,) = talk(lane, 1)
    assert after.status is RunStatus.COMPLETED
    lane.assert_settled([run, after])


def test_refused_context_without_a_summary_says_why(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(answer))
    talk(lane, 3)
    provider.play(rule=summing_up(lambda _: TOO_LONG, ErrorReply(400, "no summaries here")))
    (run,) = talk(lane, 1)

    assert run.status is RunStatus.FAILED
    assert "could not be compacted" in str(run.error)
    assert "no summaries here" in str(run.error)


def test_run_goes_on_when_no_summary_was_made(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(full_answer, ErrorReply(400, "no summaries here")))
    runs = talk(lane, 2)

    assert [run.status for run in runs] == [RunStatus.COMPLETED] * 2
    assert summaries(lane) == []
    lane.assert_settled(runs)


def test_system_prompt_that_fills_the_window_ends_the_run(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(lambda _: TOO_LONG))
    lane.agent = lane.create_agent(system="x" * 5_000, context_window_limit=1_000)
    (run,) = talk(lane, 1)

    reason = StopReason.CONTEXT_WINDOW_OVERFLOW_IN_SYSTEM_PROMPT
    assert (run.status, run.stop_reason) == (RunStatus.FAILED, reason)
    step = lane.database.steps.get(TENANT, run.id, 1)
    assert step is not None
    assert step.stop_reason is reason
    assert "context_window_limit" in str(run.error)


def test_system_prompt_that_fills_the_window_ends_the_run_between_steps(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(lambda _: Reply(tool_calls=(Call("ping"),), tokens=TokenCounts(prompt=2_000))))
    lane.agent = lane.create_agent(system="x" * 5_000, context_window_limit=1_000)
    (run,) = talk(lane, 1)

    assert run.stop_reason is StopReason.CONTEXT_WINDOW_OVERFLOW_IN_SYSTEM_PROMPT
    assert run.step_count == 1
    lane.assert_settled([run])


def test_compaction_between_steps_never_parts_call_and_return(lane: Lane, provider: ScriptedModel) -> None:
    def rule(seen: SeenRequest) -> Reply:
        if summaries_in(seen):
            return Reply("Done.")
        calls = len([turn for turn in seen.turns if turn.tool_calls])
        return Reply(tool_calls=(Call("ping"),), tokens=FULL if calls == 4 else TokenCounts())

    provider.play(rule=summing_up(rule))
    (run,) = talk(lane, 1)

    assert (run.status, run.step_count) == (RunStatus.COMPLETED, 6)
    last = provider.requests[-1]
    called = [call for turn in last.turns for call in turn.tool_calls]
    assert called == [given for turn in last.turns for given in turn.tool_returns]


def test_usage_counts_the_summary(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(full_answer, Reply(SUMMARY, tokens=TokenCounts(prompt=700, completion=70))))
    (run,) = talk(lane, 1)

    assert run.usage.total_tokens == FULL.prompt + FULL.completion + 770
    step = lane.database.steps.get(TENANT, run.id, 1)
    assert step is not None
    assert step.usage.total_tokens == FULL.prompt + FULL.completion


def test_system_message_is_compiled_anew_under_its_id(lane: Lane, provider: ScriptedModel) -> None:
    before = lane.database.messages.system_message(TENANT, lane.agent.id)
    provider.play(rule=summing_up(full_answer))
    lane.clock.advance(3_600)
    talk(lane, 1)

    after = lane.database.messages.system_message(TENANT, lane.agent.id)
    assert before is not None
    assert after is not None
    assert after.id == before.id
    assert after.draft.text != before.draft.text
    assert "- 2 previous messages" in after.draft.text


def test_reset_forgets_the_summary(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(full_answer))
    talk(lane, 1)
    Renewal(lane.database, lane.clock).reset(find_place(lane.database, TENANT, lane.agent.id))
    provider.play(rule=summing_up(answer))
    talk(lane, 1)

    seen = provider.requests[-1]
    assert [turn.role for turn in seen.turns] == ["system", "user"]


@pytest.mark.parametrize(
    ("mode", "kept"),
    [("sliding_window", 5), ("all", 0), ("self_compact_all", 0), ("self_compact_sliding_window", 5)],
)
def test_mode_says_what_is_kept(mode: str, kept: int, lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(answer))
    talk(lane, 4)
    run = lane.compact(mode=mode)
    provider.play(rule=summing_up(answer))
    lane.run_slice()

    asked = provider.requests[-1]
    assert asked.texts_of("user")[-1].startswith("<transcript>") is not mode.startswith("self")
    assert lane.run(run).status is RunStatus.COMPLETED
    (summary,) = summaries(lane)
    assert summary.draft.compaction is not None
    assert summary.draft.compaction.messages_before == 9
    assert summary.draft.compaction.messages_after == kept + 2


def _said(*path: str | int) -> Callable[[Any], Any]:
    def read(body: Any) -> Any:
        for key in path:
            body = body[key]
        return body

    return read


@pytest.mark.parametrize(
    ("settings", "read", "expected"),
    [
        ({"prompt": "In verse."}, _said("messages", 0, "content"), "In verse."),
        ({"model": "openai/other"}, _said("model"), "other"),
        ({}, _said("model"), "scripted"),
        ({"model_settings": {"temperature": 0.25, "provider_type": "openai"}}, _said("temperature"), 0.25),
    ],
)
def test_settings_shape_the_call(
    settings: dict[str, Any], read: Callable[[Any], Any], expected: object, lane: Lane, provider: ScriptedModel
) -> None:
    provider.play(rule=summing_up(answer))
    talk(lane, 4)
    lane.compact(**settings)
    provider.play(rule=summing_up(answer))
    lane.run_slice()

    asked = provider.requests[-1]
    assert read(asked.body) == expected


def test_acknowledgement_comes_before_the_transcript(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(answer))
    talk(lane, 4)
    lane.compact(prompt_acknowledgement=True, prompt="In verse.")
    provider.play(rule=summing_up(answer))
    lane.run_slice()

    asked = provider.requests[-1]
    assert [turn.role for turn in asked.turns] == ["user", "assistant", "user"]


def test_summary_is_clipped(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(answer, Reply("word " * 100)))
    talk(lane, 4)
    lane.compact(clip_chars=9)
    lane.run_slice()

    (summary,) = summaries(lane)
    assert json.loads(summary.draft.text)["message"].endswith("\n\nword word […]")


def test_settings_of_the_agent_hold_where_the_request_says_nothing(lane: Lane, provider: ScriptedModel) -> None:
    lane.agent = lane.create_agent(compaction_settings={"mode": "all", "prompt": "In verse."})
    provider.play(rule=summing_up(answer))
    talk(lane, 4)
    lane.compact(prompt="In prose.")
    provider.play(rule=summing_up(answer))
    lane.run_slice()

    asked = provider.requests[-1]
    assert asked.texts_of("system") == ["In prose."]
    (summary,) = summaries(lane)
    assert summary.draft.compaction is not None
    assert summary.draft.compaction.messages_after == 2


def test_model_that_summarises_no_more_gives_way_to_the_agents_own(lane: Lane, provider: ScriptedModel) -> None:
    def rule(seen: SeenRequest) -> Answer:
        return ErrorReply(404, "no such model") if seen.model == "gone" else Reply(SUMMARY)

    provider.play(rule=answer)
    talk(lane, 4)
    run = lane.compact(model="openai/gone")
    provider.play(rule=rule)
    lane.run_slice()

    assert [seen.model for seen in provider.requests[-2:]] == ["gone", "scripted"]
    assert lane.run(run).status is RunStatus.COMPLETED


def test_requested_compaction_is_a_step_of_a_run_of_its_own_kind(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(answer))
    talk(lane, 4)
    run = lane.compact()
    lane.run_slice()

    after = lane.run(run)
    assert (after.status, after.stop_reason, after.step_count) == (RunStatus.COMPLETED, StopReason.END_TURN, 1)
    step = lane.database.steps.get(TENANT, run.id, 1)
    assert step is not None
    assert (step.model_handle, step.usage) == ("openai/scripted", after.usage)
    assert types_of(lane, after) == []
    lane.assert_settled([after])


def test_requested_compaction_waits_for_its_turn(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(answer))
    runs = [lane.accept("one"), lane.accept("two"), lane.compact(mode="all"), lane.accept("three")]
    lane.run_slice()

    assert [lane.run(run).status for run in runs] == [RunStatus.COMPLETED] * 4
    assert [turn.role for turn in provider.requests[-1].turns] == ["system", "user", "user"]
    lane.assert_settled(runs)


@pytest.mark.parametrize("turns", [0, 1])
def test_nothing_to_compact_is_said(turns: int, lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(answer))
    talk(lane, turns)
    if turns:
        lane.compact()
    run = lane.compact()
    provider.play(rule=summing_up(answer))
    lane.run_slice()

    after = lane.run(run)
    assert (after.status, after.error) == (RunStatus.FAILED, NOTHING_TO_COMPACT)
    assert len(summaries(lane)) == turns


def test_requested_compaction_that_fails_says_what_the_model_said(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=summing_up(answer, ErrorReply(401, "who are you")))
    talk(lane, 4)
    run = lane.compact()
    lane.run_slice()

    after = lane.run(run)
    step = lane.database.steps.get(TENANT, run.id, 1)
    assert (after.status, after.stop_reason) == (RunStatus.FAILED, StopReason.LLM_API_ERROR)
    assert step is not None
    assert step.error_type == "LLMAuthenticationError"


def test_runner_that_died_after_the_last_answer_leaves_the_compaction_to_the_next(
    lane: Lane, provider: ScriptedModel
) -> None:
    provider.play([Reply("An answer.", tokens=FULL)])
    run = lane.accept()
    lane.run_slice_that_dies_in_the_model_call(after_calls=1)
    provider.play(rule=summing_up(answer))
    lane.sweep()

    assert lane.texts()[:2] == ["user: hello", "assistant: An answer."]
    assert [is_asked_for_summary(seen) for seen in provider.requests] == [False, True]
    assert len(summaries(lane)) == 1
    lane.assert_settled([run])
