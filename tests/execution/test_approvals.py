"""Runs that pause for their client, and what becomes of the answers (letta_api_spec §3.6, §3.8)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from execution.test_situations import ASKED, LOOK_UP, calls, rule, shown_types
from nightshift.domain.approval import DENIAL_PREFIX
from nightshift.domain.content import ImagePart
from nightshift.domain.errors import InvalidRequestError, PendingApprovalError
from nightshift.domain.message import ToolReturn
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.execution.slice import SliceOutcome
from nightshift.intake.agent_view import view_of
from nightshift.intake.cancel import Cancellation
from nightshift.intake.show_agent import show_agent
from support.lane import TENANT, Lane
from support.scripted_model.answers import Reply

LAUNCH = """
def launch(code: str = "0") -> str:
    \"\"\"Launch.\"\"\"
    return f"launched {code}"
"""

GATED: dict[str, Any] = {
    "tool_rules": [rule("requires_approval", "launch")],
    "parallel_tool_calls": True,
    "include_base_tools": False,
}
CLIENT_TOOLS = [{"name": "measure", "description": "measure it"}]
CALLBACK = "http://127.0.0.1:1/callback"

LAUNCHED, MEASURED, FOUND = "call_1_launch", "call_1_measure", "call_1_look_up"
ANSWERED = ("approval_response_message", "tool_return_message")
PNG = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}}

type Json = dict[str, Any]


def decision(call_id: str, *, approve: bool, reason: str | None = None) -> Json:
    return {"type": "approval", "tool_call_id": call_id, "approve": approve, "reason": reason}


def returned(call_id: str, value: object, status: str = "success", **fields: object) -> Json:
    return {"type": "tool", "tool_call_id": call_id, "tool_return": value, "status": status, **fields}


def approval(*items: Json) -> Json:
    return {"type": "approval", "approvals": list(items)}


def pause(lane: Lane, *names: str, **fields: Any) -> Run:
    """Let a fresh agent's run pause with calls of these tools in one answer."""
    lane.use_agent(LAUNCH, LOOK_UP, **GATED)
    lane.provider.play([calls(*names)])
    run = lane.accept(client_tools=CLIENT_TOOLS, callback_url=CALLBACK, **fields)
    assert lane.run_slice().outcome is SliceOutcome.FINISHED
    assert lane.run(run).stop_reason is StopReason.REQUIRES_APPROVAL
    return run


def answer(lane: Lane, *messages: Json, **fields: Any) -> Run:
    """Answer, and let the run that does so work to its end."""
    run = lane.accept(messages=list(messages), **fields)
    lane.run_slice()
    return lane.run(run)


@dataclass(frozen=True, slots=True)
class Answer:
    """A pause with calls of these tools, and what the answer to it comes to.

    Attributes:
        returns: text and status of each return, in the order of the calls.
        messages: types of those that the answering run shows.
    """

    names: tuple[str, ...]
    sent: tuple[Json, ...]
    returns: tuple[tuple[str, str], ...]
    messages: tuple[str, ...] = (*ANSWERED, "assistant_message")
    stop_reason: StopReason = StopReason.END_TURN
    fields: Mapping[str, Any] = field(default_factory=dict)


ANSWERS = {
    "approved": Answer(("launch",), (approval(decision(LAUNCHED, approve=True)),), (("launched 0", "success"),)),
    "denied": Answer(
        ("launch",),
        (approval(decision(LAUNCHED, approve=False, reason="too risky")),),
        ((DENIAL_PREFIX + "too risky", "error"),),
    ),
    "denied without a reason": Answer(
        ("launch",), (approval(decision(LAUNCHED, approve=False)),), ((DENIAL_PREFIX + "none given", "error"),)
    ),
    "approved beside a call without approval": Answer(
        ("launch", "look_up"),
        (approval(decision(LAUNCHED, approve=True)),),
        (("launched 0", "success"), ("found nothing", "success")),
    ),
    "denied beside a call without approval": Answer(
        ("look_up", "launch"),
        (approval(decision("call_2_launch", approve=False, reason="no")),),
        (("found nothing", "success"), (DENIAL_PREFIX + "no", "error")),
    ),
    "mixed, in any order": Answer(
        ("launch", "measure", "look_up"),
        (approval(returned("call_2_measure", "3 m"), decision(LAUNCHED, approve=False, reason="no")),),
        ((DENIAL_PREFIX + "no", "error"), ("3 m", "success"), ("found nothing", "success")),
    ),
    "client's return in an approval": Answer(
        ("measure",), (approval(returned(MEASURED, "3 m", stdout=["out"], stderr=[])),), (("3 m", "success"),)
    ),
    "client's return as a tool return": Answer(
        ("measure",),
        ({"type": "tool_return", "tool_returns": [returned(MEASURED, "3 m")]},),
        (("3 m", "success"),),
    ),
    "client's error": Answer(
        ("measure",), (approval(returned(MEASURED, "no ruler", "error")),), (("no ruler", "error"),)
    ),
    "client's tool denied": Answer(
        ("measure",),
        (approval(decision(MEASURED, approve=False, reason="busy")),),
        ((DENIAL_PREFIX + "busy", "error"),),
    ),
    "client's tool approved, which nobody can run": Answer(
        ("measure",),
        (approval(decision(MEASURED, approve=True)),),
        (
            (
                "[ToolConstraintError] Cannot call measure: it is not an available tool. Valid tools: launch, look_up.",
                "error",
            ),
        ),
    ),
    "follow-ups come behind the return": Answer(
        ("launch",),
        (
            approval(decision(LAUNCHED, approve=True)),
            {"role": "user", "content": "and then?"},
            {"role": "user", "content": "and now?"},
        ),
        (("launched 0", "success"),),
        (*ANSWERED, "user_message", "user_message", "assistant_message"),
    ),
    "steps used up by the answer": Answer(
        ("launch",),
        (approval(decision(LAUNCHED, approve=True)),),
        (("launched 0", "success"),),
        ANSWERED,
        StopReason.MAX_STEPS,
        {"max_steps": 1},
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answer_has_its_messages_returns_and_stop_reason(name: str, lane: Lane) -> None:
    given = ANSWERS[name]
    paused = pause(lane, *given.names)
    lane.provider.play([Reply("done")])

    run = answer(lane, *given.sent, **given.fields)

    assert (run.stop_reason, run.error) == (given.stop_reason, None)
    assert tuple(shown_types(lane, run)) == given.messages
    assert [(one.text, one.status) for one in returns_of(lane)] == [*given.returns]
    step = lane.log[1].step_id
    assert next(message.step_id for message in lane.log if message.draft.tool_returns) == step
    assert lane.run(paused).status is RunStatus.COMPLETED
    lane.assert_settled([paused, run])


def returns_of(lane: Lane) -> list[ToolReturn]:
    return [given for message in lane.log for given in message.draft.tool_returns]


def test_pending_request_is_shown_with_its_agent_until_it_is_answered(lane: Lane) -> None:
    paused = pause(lane, "launch")
    request = lane.log[-1]

    pending = show_agent(view_of(lane.database, lane.agent))["pending_approval"]

    assert (pending["id"], pending["message_type"], pending["run_id"]) == (request.id, ASKED, paused.id)
    assert pending["tool_call"]["name"] == "launch"
    lane.provider.play([Reply("done")])
    answer(lane, approval(decision(LAUNCHED, approve=True)))
    assert show_agent(view_of(lane.database, lane.agent))["pending_approval"] is None


def test_message_while_an_answer_is_asked_for_conflicts_at_once(lane: Lane) -> None:
    pause(lane, "launch")

    with pytest.raises(PendingApprovalError) as refused:
        lane.accept("hurry")

    assert refused.value.detail["pending_request_id"] == lane.log[-1].id
    assert refused.value.detail["code"] == "PENDING_APPROVAL"
    with pytest.raises(InvalidRequestError, match=f"Invalid tool call IDs. Expected .*{LAUNCHED}.*call_wrong"):
        lane.accept(messages=[approval(decision("call_wrong", approve=True))])
    with pytest.raises(InvalidRequestError, match="Invalid tool call IDs"):
        lane.accept(messages=[approval(decision(LAUNCHED, approve=True), returned("call_more", "x"))])


def test_messages_that_were_queued_before_the_pause_fail_without_a_trace(lane: Lane) -> None:
    lane.use_agent(LAUNCH, **GATED)
    lane.provider.play([calls("launch"), Reply("done")])
    paused, queued = lane.accept("first"), lane.accept("second")
    wrong = lane.accept(messages=[approval(decision("call_wrong", approve=True))])

    lane.run_slice()

    assert lane.run(paused).stop_reason is StopReason.REQUIRES_APPROVAL
    assert (lane.run(queued).status, lane.run(queued).stop_reason) == (RunStatus.FAILED, StopReason.ERROR)
    assert (lane.run(queued).error or "").startswith("CONFLICT: Cannot send a new message")
    assert (lane.run(wrong).error or "").startswith("Invalid tool call IDs. Expected")
    assert [message.run_id for message in lane.log] == [paused.id] * 2
    answered = answer(lane, approval(decision(LAUNCHED, approve=True)))
    assert answered.stop_reason is StopReason.END_TURN
    lane.assert_settled([paused, queued, wrong, answered])


def test_repeated_answer_executes_nothing_again_and_asks_no_model(lane: Lane) -> None:
    pause(lane, "launch")
    lane.provider.play([Reply("done")])
    sent = approval(decision(LAUNCHED, approve=True))
    answer(lane, sent)
    before = len(lane.log), len(lane.provider.requests)

    again = answer(lane, sent)

    assert (again.status, again.stop_reason) == (RunStatus.COMPLETED, StopReason.END_TURN)
    assert (len(lane.log), len(lane.provider.requests)) == before
    lane.provider.play([Reply("more")])
    followed = answer(lane, sent, {"role": "user", "content": "go on"})
    assert shown_types(lane, followed) == ["user_message", "assistant_message"]
    assert len([one for one in returns_of(lane) if one.text == "launched 0"]) == 1


def test_two_answers_at_once_execute_the_call_once(lane: Lane) -> None:
    pause(lane, "launch")
    lane.provider.play([Reply("done")])
    sent = [approval(decision(LAUNCHED, approve=True))]
    runs = [lane.accept(messages=sent), lane.accept(messages=sent)]

    lane.run_slice()

    assert [lane.run(run).status for run in runs] == [RunStatus.COMPLETED] * 2
    assert len(returns_of(lane)) == 1
    lane.assert_settled(runs)


def test_deprecated_form_names_the_message_and_decides_one_call(lane: Lane) -> None:
    pause(lane, "launch")
    lane.provider.play([Reply("done")])

    run = answer(lane, {"approve": True, "approval_request_id": lane.log[-1].id})

    assert run.stop_reason is StopReason.END_TURN
    assert returns_of(lane)[-1].text == "launched 0"


def test_deprecated_form_is_refused_where_several_calls_wait(lane: Lane) -> None:
    pause(lane, "launch", "measure")
    lane.accept(messages=[{"approve": True, "approval_request_id": lane.log[-1].id}])

    lane.run_slice()

    runs = lane.database.runs.list_page(TENANT, lane.agent.id, forward=False, limit=1).items
    failed = lane.database.runs.get(TENANT, runs[0]["run_id"])
    assert failed is not None
    assert (failed.error or "").startswith("Invalid tool call IDs")


def test_cancelled_while_it_waits_leaves_a_usable_agent_and_sends_no_second_callback(lane: Lane) -> None:
    paused = pause(lane, "look_up", "launch")
    delivery = lane.database.deliveries.get(TENANT, paused.id)
    cancellation = Cancellation(lane.database, lane.doorbell, lane.clock)

    assert cancellation.cancel_named(TENANT, lane.agent.id, [paused.id]) == {paused.id: "cancelled"}

    run = lane.run(paused)
    assert (run.status, run.stop_reason) == (RunStatus.CANCELLED, StopReason.CANCELLED)
    assert shown_types(lane, run) == ["user_message", "tool_call_message", ASKED, *ANSWERED]
    assert all("The user cancelled the request" in one.text for one in returns_of(lane))
    assert lane.database.deliveries.get(TENANT, paused.id) == delivery
    lane.provider.play([Reply("here")])
    later = lane.accept("still there?")
    lane.run_slice()
    assert lane.run(later).stop_reason is StopReason.END_TURN
    lane.assert_settled([run, later])
    late = answer(lane, approval(decision("call_2_launch", approve=True)))
    assert (late.status, late.first_sequence) == (RunStatus.COMPLETED, None)


def test_cancelling_everything_takes_a_run_that_waits_along(lane: Lane) -> None:
    paused = pause(lane, "launch")
    cancellation = Cancellation(lane.database, lane.doorbell, lane.clock)

    assert cancellation.cancel_agent(TENANT, lane.agent.id) == {paused.id: "cancelled"}

    assert lane.run(paused).status is RunStatus.CANCELLED


def test_answer_that_was_accepted_comes_before_a_cancellation(lane: Lane) -> None:
    paused = pause(lane, "launch")
    run = lane.accept(messages=[approval(decision(LAUNCHED, approve=True))])
    lane.provider.play([Reply("done")])
    cancellation = Cancellation(lane.database, lane.doorbell, lane.clock)

    cancellation.cancel_named(TENANT, lane.agent.id, [paused.id])
    lane.run_slice()

    assert lane.run(paused).status is RunStatus.COMPLETED
    assert lane.run(run).stop_reason is StopReason.END_TURN


def test_answering_run_that_is_cancelled_in_the_queue_leaves_the_request_open(lane: Lane) -> None:
    paused = pause(lane, "launch")
    run = lane.accept(messages=[approval(decision(LAUNCHED, approve=True))])
    Cancellation(lane.database, lane.doorbell, lane.clock).cancel_named(TENANT, lane.agent.id, [run.id])
    lane.run_slice()
    lane.provider.play([Reply("done")])

    again = answer(lane, approval(decision(LAUNCHED, approve=True)))

    assert again.stop_reason is StopReason.END_TURN
    assert returns_of(lane)[-1].text == "launched 0"
    lane.assert_settled([paused, run, again])


def test_image_of_a_client_is_kept_with_its_return(lane: Lane) -> None:
    pause(lane, "measure")
    lane.provider.play([Reply("done")])

    answer(lane, approval(returned(MEASURED, [{"type": "text", "text": "see"}, PNG])))

    (given,) = returns_of(lane)
    assert given.text == "see\n[image: image/png]"
    assert [type(image) for image in given.images] == [ImagePart]


def test_clients_return_is_cut_to_the_limit(lane: Lane) -> None:
    pause(lane, "measure")
    lane.provider.play([Reply("done")])

    answer(lane, approval(returned(MEASURED, "x" * 60_000)))

    (given,) = returns_of(lane)
    assert len(given.text) == 50_000
    assert "60000 characters" in given.text[-100:]


def test_client_tool_is_offered_again_only_where_it_is_sent_again(lane: Lane) -> None:
    pause(lane, "measure")
    lane.provider.play([Reply("done"), Reply("later")])

    answer(lane, approval(returned(MEASURED, "3 m")), client_tools=CLIENT_TOOLS)
    lane.accept("next")
    lane.run_slice()

    offered = [[tool["function"]["name"] for tool in seen.body["tools"]] for seen in lane.provider.requests]
    assert offered == [["launch", "look_up", "measure"]] * 2 + [["launch", "look_up"]]


def test_tool_without_parameters_is_offered_with_an_empty_object(lane: Lane) -> None:
    lane.accept(client_tools=[{"name": "bare"}])
    lane.provider.play([Reply("done")])

    lane.run_slice()

    (tool,) = (one["function"] for one in lane.provider.requests[0].body["tools"] if one["function"]["name"] == "bare")
    assert tool["parameters"] == {"type": "object", "properties": {}}


def test_rules_go_on_where_the_paused_run_left_off(lane: Lane) -> None:
    """The tool of run_first was called before the pause; the answering run neither demands nor forgets it."""
    rules = [
        rule("run_first", "look_up"),
        rule("requires_approval", "launch"),
        rule("max_count_per_step", "look_up", max_count_limit=1),
    ]
    lane.use_agent(LAUNCH, LOOK_UP, include_base_tools=False, tool_rules=rules)
    lane.provider.play([calls("look_up"), calls("launch")])
    lane.accept()
    lane.run_slice()
    lane.provider.play([calls("look_up"), Reply("done")])

    run = answer(lane, approval(decision(LAUNCHED, approve=True)))

    assert run.stop_reason is StopReason.END_TURN
    assert returns_of(lane)[-1].text.startswith("[ToolConstraintError]")
    lane.provider.play([calls("look_up"), Reply("done")])
    lane.accept("a new turn")
    lane.run_slice()
    assert returns_of(lane)[-1].text == "found nothing"
