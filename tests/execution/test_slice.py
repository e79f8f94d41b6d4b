"""What one doorbell makes a runner do (promises 3, 4, 5 and 8)."""

import json
from datetime import timedelta

from nightshift.domain.conversation import MAX_WAITING_RUNS
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.execution.slice import SliceOutcome
from support.lane import TENANT, Lane
from support.scripted_model.answers import Call, ErrorReply, RawReply, Reply, TokenCounts
from support.scripted_model.rules import answer_after_tool_calls
from support.scripted_model.server import ScriptedModel


def test_one_run_completes_and_the_conversation_is_free(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([Reply("good evening", tokens=TokenCounts(prompt=20, completion=3))])
    run = lane.accept("hello")

    assert lane.run_slice().outcome is SliceOutcome.FINISHED

    finished = lane.run(run)
    assert (finished.status, finished.stop_reason) == (RunStatus.COMPLETED, StopReason.END_TURN)
    assert (finished.usage.prompt_tokens, finished.usage.completion_tokens) == (20, 3)
    assert lane.texts() == ["user: hello", "assistant: good evening"]
    lane.assert_settled([run])


def test_waiting_runs_execute_in_the_order_accepted_and_see_those_before(lane: Lane) -> None:
    runs = [lane.accept(f"message {number}") for number in range(5)]

    assert lane.run_slice().outcome is SliceOutcome.FINISHED

    answers = [json.loads(message.draft.text) for message in lane.log if message.role == "assistant"]
    assert [answer["user_messages"] for answer in answers] == [
        [f"message {number}" for number in range(count)] for count in range(1, 6)
    ]
    lane.assert_settled(runs)


def test_doorbell_without_waiting_run_looks_for_a_pause_and_claims_nothing(lane: Lane) -> None:
    lane.stack.calls.clear()

    assert lane.run_slice().outcome is SliceOutcome.LOST

    assert [call.operation for call in lane.stack.calls] == ["GetItem", "UpdateItem"]


def test_duplicate_doorbell_after_the_run_does_nothing(lane: Lane) -> None:
    run = lane.accept()
    lane.run_slice()

    assert lane.run_slice().outcome is SliceOutcome.LOST

    assert len(lane.log) == 2
    lane.assert_settled([run])


def test_unknown_tool_gets_an_error_return_and_the_loop_goes_on(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([Reply(tool_calls=(Call("fly_to_moon", id="call_1"),)), Reply("I can't fly")])
    run = lane.accept()

    lane.run_slice()

    (tool_return,) = lane.log[2].draft.tool_returns
    assert tool_return.tool_call_id == "call_1"
    assert tool_return.status == "error"
    assert tool_return.text.startswith("[ToolConstraintError]")
    assert lane.run(run).step_count == 2
    assert lane.run(run).stop_reason is StopReason.END_TURN
    lane.assert_settled([run])


def test_max_steps_ends_the_run_completed(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=answer_after_tool_calls(100))
    run = lane.accept(max_steps=3)

    lane.run_slice()

    finished = lane.run(run)
    assert (finished.status, finished.stop_reason) == (RunStatus.COMPLETED, StopReason.MAX_STEPS)
    assert finished.step_count == 3
    lane.assert_settled([run])


def test_provider_failure_fails_the_run_and_keeps_the_users_message(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([ErrorReply(401, "no such key")])
    run = lane.accept("remember me")

    lane.run_slice()

    failed = lane.run(run)
    assert (failed.status, failed.stop_reason) == (RunStatus.FAILED, StopReason.LLM_API_ERROR)
    assert failed.error is not None
    assert "401" in failed.error
    assert lane.texts() == ["user: remember me"]
    (step,) = lane.database.steps.read(TENANT, run.id, first=1, last=9, forward=True)
    assert step.status == "failed"
    assert step.error_type == "LLMAuthenticationError"
    lane.assert_settled([run])


def test_next_run_works_after_a_failed_one(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([ErrorReply(400, "bad"), Reply("fine now")])
    runs = [lane.accept("first"), lane.accept("second")]

    lane.run_slice()

    assert [lane.run(run).status for run in runs] == [RunStatus.FAILED, RunStatus.COMPLETED]
    lane.assert_settled(runs)


def test_empty_answer_is_an_invalid_response(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([Reply("")])
    run = lane.accept()

    lane.run_slice()

    assert (lane.run(run).status, lane.run(run).stop_reason) == (RunStatus.FAILED, StopReason.INVALID_LLM_RESPONSE)
    lane.assert_settled([run])


def test_malformed_answer_is_an_invalid_response(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([RawReply("<html>no json</html>")])
    run = lane.accept()

    lane.run_slice()

    assert (lane.run(run).status, lane.run(run).stop_reason) == (RunStatus.FAILED, StopReason.INVALID_LLM_RESPONSE)
    lane.assert_settled([run])


def test_cut_answer_fails_with_max_tokens_and_keeps_the_text(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([Reply("once upon a", finish="length")])
    run = lane.accept()

    lane.run_slice()

    assert (lane.run(run).status, lane.run(run).stop_reason) == (RunStatus.FAILED, StopReason.MAX_TOKENS_EXCEEDED)
    assert lane.texts()[-1] == "assistant: once upon a"
    lane.assert_settled([run])


def test_slice_that_is_used_up_hands_over_and_the_next_one_goes_on(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=answer_after_tool_calls(3))
    run = lane.accept()

    outcomes = [lane.run_slice(slice_seconds=0).outcome for _ in range(4)]

    assert outcomes == [SliceOutcome.CONTINUES] * 3 + [SliceOutcome.FINISHED]
    assert lane.run(run).step_count == 4
    assert lane.run(run).starts_without_progress <= 1
    lane.assert_settled([run])


def test_used_up_slice_leaves_the_waiting_runs_to_the_next(lane: Lane) -> None:
    runs = [lane.accept("first"), lane.accept("second")]

    assert lane.run_slice(slice_seconds=0).outcome is SliceOutcome.CONTINUES
    assert lane.run(runs[0]).status is RunStatus.COMPLETED
    assert lane.run(runs[1]).status is RunStatus.CREATED

    assert lane.run_slice(slice_seconds=0).outcome is SliceOutcome.FINISHED
    lane.assert_settled(runs)


def test_long_retry_after_puts_the_run_to_sleep_and_wakes_it(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([ErrorReply(429, "slow down", headers={"Retry-After": "300"}), Reply("awake")])
    run = lane.accept()

    result = lane.run_slice()

    assert result.outcome is SliceOutcome.WAITS
    assert result.wait_until == lane.clock.now() + timedelta(seconds=300)
    assert lane.run_slice().outcome is SliceOutcome.LOST
    lane.clock.advance(300)
    assert lane.run_slice().outcome is SliceOutcome.FINISHED
    assert lane.run(run).status is RunStatus.COMPLETED
    assert lane.run(run).step_count == 1
    lane.assert_settled([run])


def test_run_that_kills_every_runner_fails_instead_of_looping(lane: Lane, provider: ScriptedModel) -> None:
    provider.play(rule=answer_after_tool_calls(100))
    run = lane.accept()

    for _ in range(3):
        lane.run_slice_that_dies_in_the_model_call()
        lane.clock.advance(61)
    lane.run_slice()

    failed = lane.run(run)
    assert (failed.status, failed.stop_reason) == (RunStatus.FAILED, StopReason.ERROR)
    assert failed.error is not None
    assert "3 times" in failed.error
    lane.assert_settled([run])


def test_deleted_agents_waiting_runs_are_cancelled_and_everything_goes(lane: Lane) -> None:
    done = lane.accept("done before")
    lane.run_slice()
    waiting = [lane.accept("one"), lane.accept("two", callback_url="http://127.0.0.1:1/callback")]
    lane.delete_agent()

    assert lane.run_slice().outcome is SliceOutcome.FINISHED

    assert lane.run(done).status is RunStatus.COMPLETED
    assert [lane.run(run).status for run in waiting] == [RunStatus.CANCELLED] * 2
    assert lane.database.deliveries.get(TENANT, waiting[1].id) is not None
    assert lane.log == []
    assert lane.database.conversations.get(TENANT, lane.agent.id) is None


def test_callback_is_due_with_the_terminal_write_and_says_the_same(lane: Lane) -> None:
    run = lane.accept(callback_url="http://127.0.0.1:1/callback")

    lane.run_slice()

    finished, delivery = lane.run(run), lane.database.deliveries.get(TENANT, run.id)
    assert delivery is not None
    assert (delivery.run_status, delivery.stop_reason) == (finished.status, finished.stop_reason)
    assert delivery.run_completed_at == finished.completed_at


def test_more_inputs_than_a_transaction_takes_are_all_appended_in_order(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([Reply("read them all")])
    texts = [f"input {number}" for number in range(120)]
    run = lane.accept(messages=[{"role": "user", "content": text} for text in texts])

    lane.run_slice()

    assert lane.texts() == [f"user: {text}" for text in texts] + ["assistant: read them all"]
    assert len(provider.requests[-1].texts_of("user")) == 120
    lane.assert_settled([run])


def test_half_a_surrogate_pair_from_the_model_is_replaced(lane: Lane, provider: ScriptedModel) -> None:
    body = '{"choices": [{"message": {"role": "assistant", "content": "half \\ud83d"}, "finish_reason": "stop"}]}'
    provider.play([RawReply(body)])
    run = lane.accept()

    lane.run_slice()

    assert lane.texts()[-1] == "assistant: half ?"
    lane.assert_settled([run])


def test_override_system_and_model_hold_for_this_run_alone(lane: Lane, provider: ScriptedModel) -> None:
    runs = [lane.accept("one", override_system="Speak Latin.", override_model="openai/other"), lane.accept("two")]

    lane.run_slice()

    first, second = provider.requests
    assert (first.model, first.texts_of("system")) == ("other", ["Speak Latin."])
    assert second.model == "scripted"
    assert second.texts_of("system")[0].startswith("Be brief.")
    lane.assert_settled(runs)


def test_queue_limit_is_far_below_what_an_item_can_hold() -> None:
    assert MAX_WAITING_RUNS * len("run-00000000-0000-4000-8000-000000000000") < 100 * 1024
