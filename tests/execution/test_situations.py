"""What a model does → the messages, the stop reason and the status of the run (letta_api_spec §3.3, §2.3)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason, status_of
from nightshift.intake.cancel import Cancellation
from nightshift.intake.query import Queries
from nightshift.intake.wire.lists import AgentMessagesQuery
from support.lane import TENANT, Lane
from support.scripted_model.answers import Answer, Call, ErrorReply, Reply
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

LOOK_UP = """
def look_up(thing: str = "nothing") -> str:
    \"\"\"Look something up.

    Args:
        thing: what to look up
    \"\"\"
    return f"found {thing}"
"""

NOTE = """
def note(text: str = "") -> str:
    \"\"\"Note something.\"\"\"
    return "noted"
"""

BREAK = """
def break_it() -> str:
    \"\"\"Break.\"\"\"
    raise ValueError("it broke")
"""


def calls(*names: str, text: str = "", arguments: str = "{}", reasoning: str = "") -> Reply:
    """Build an answer that calls these tools."""
    made = tuple(Call(name, arguments, id=f"call_{place}_{name}") for place, name in enumerate(names, 1))
    return Reply(text, made, reasoning=reasoning)


def rule(kind: str, tool: str, **fields: object) -> dict[str, object]:
    """Build a tool rule as the API takes it."""
    return {"type": kind, "tool_name": tool, **fields}


CALL_AND_RETURN = ("tool_call_message", "tool_return_message")
ASKED = "approval_request_message"


@dataclass(frozen=True, slots=True)
class Situation:
    """A run of an agent with the tools look_up, note and break_it.

    Attributes:
        answers: the model's, in their order.
        messages: types of those that the run shows after its user message.
        returns: how its tools' returns begin.
        error: what the run's error says of it.
        agent, request: fields of the API.
    """

    answers: tuple[Answer, ...]
    stop_reason: StopReason
    messages: tuple[str, ...] = ("assistant_message",)
    returns: tuple[str, ...] = ()
    error: str | None = None
    agent: Mapping[str, Any] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)


SAID = Reply("done")

SITUATIONS = {
    "no tool call": Situation((SAID,), StopReason.END_TURN),
    "reasoning, text and call in one answer": Situation(
        (calls("look_up", text="let me see", reasoning="hm"), SAID),
        StopReason.END_TURN,
        ("reasoning_message", "assistant_message", *CALL_AND_RETURN, "assistant_message"),
        ("found nothing",),
    ),
    "answer cut by its length": Situation(
        (Reply("once upon", finish="length"),), StopReason.MAX_TOKENS_EXCEEDED, error="max_tokens"
    ),
    "neither text nor call": Situation((Reply(""),), StopReason.INVALID_LLM_RESPONSE, (), error="neither text nor"),
    "tool executed": Situation(
        (calls("look_up", arguments='{"thing": "it"}'), SAID),
        StopReason.END_TURN,
        (*CALL_AND_RETURN, "assistant_message"),
        ("found it",),
    ),
    "tool fails": Situation(
        (calls("break_it"), SAID),
        StopReason.END_TURN,
        (*CALL_AND_RETURN, "assistant_message"),
        ("Error executing function break_it: ValueError: it broke",),
    ),
    "tool that is not offered": Situation(
        (calls("fly"), SAID),
        StopReason.END_TURN,
        (*CALL_AND_RETURN, "assistant_message"),
        ("[ToolConstraintError] Cannot call fly",),
    ),
    "tool that a rule forbids now": Situation(
        (calls("note"), calls("look_up"), SAID),
        StopReason.END_TURN,
        (*CALL_AND_RETURN * 2, "assistant_message"),
        ("[ToolConstraintError] Cannot call note", "found nothing"),
        agent={"tool_rules": [rule("run_first", "look_up")]},
    ),
    "arguments that are not JSON": Situation(
        (calls("look_up", arguments="{thing"), SAID),
        StopReason.END_TURN,
        (*CALL_AND_RETURN, "assistant_message"),
        ("Error executing function look_up: the arguments are not valid JSON",),
    ),
    "arguments that are no object": Situation(
        (calls("look_up", arguments="[1]"), SAID),
        StopReason.END_TURN,
        (*CALL_AND_RETURN, "assistant_message"),
        ("Error executing function look_up: the arguments must be a JSON object",),
    ),
    "several calls, and the agent takes one": Situation(
        (calls("look_up", "note"), SAID),
        StopReason.END_TURN,
        (*CALL_AND_RETURN, "assistant_message"),
        ("found nothing",),
    ),
    "several calls, and the agent takes them": Situation(
        (calls("look_up", "note", "look_up"), SAID),
        StopReason.END_TURN,
        (*CALL_AND_RETURN, "assistant_message"),
        ("found nothing", "noted", "found nothing"),
        agent={"parallel_tool_calls": True},
    ),
    "several calls, and a rule wants an order": Situation(
        (calls("look_up", "note"), SAID),
        StopReason.END_TURN,
        (*CALL_AND_RETURN, "assistant_message"),
        ("found nothing",),
        agent={"parallel_tool_calls": True, "tool_rules": [rule("continue_loop", "note")]},
    ),
    "tool that ends the run": Situation(
        (calls("note"),),
        StopReason.TOOL_RULE,
        CALL_AND_RETURN,
        ("noted",),
        agent={"tool_rules": [rule("exit_loop", "note")]},
    ),
    "tool that ends the run, on the last step": Situation(
        (calls("note"),),
        StopReason.MAX_STEPS,
        CALL_AND_RETURN,
        ("noted",),
        agent={"tool_rules": [rule("exit_loop", "note")]},
        request={"max_steps": 1},
    ),
    "steps used up": Situation(
        (calls("look_up"), calls("look_up")),
        StopReason.MAX_STEPS,
        CALL_AND_RETURN * 2,
        ("found nothing", "found nothing"),
        request={"max_steps": 2},
    ),
    "answer before a required tool": Situation(
        (Reply("bye"), calls("note"), SAID),
        StopReason.END_TURN,
        ("assistant_message", *CALL_AND_RETURN, "assistant_message"),
        ("noted",),
        agent={"tool_rules": [rule("required_before_exit", "note")]},
    ),
    "answer before a required tool, on the last step": Situation(
        (Reply("bye"),),
        StopReason.END_TURN,
        agent={"tool_rules": [rule("required_before_exit", "note")]},
        request={"max_steps": 1},
    ),
    "tool that ends the run before a required one": Situation(
        (calls("look_up"), calls("note"), SAID),
        StopReason.END_TURN,
        (*CALL_AND_RETURN * 2, "assistant_message"),
        ("found nothing", "noted"),
        agent={"tool_rules": [rule("exit_loop", "look_up"), rule("required_before_exit", "note")]},
    ),
    "arguments of a rule that the tool does not take": Situation(
        (calls("look_up"),),
        StopReason.INVALID_TOOL_CALL,
        CALL_AND_RETURN,
        ("a tool rule gives the argument 'where'",),
        error="a tool rule gives the argument 'where'",
        agent={"tool_rules": [rule("run_first", "look_up", args={"where": "here"})]},
    ),
    "arguments of a rule go over the model's": Situation(
        (calls("look_up", arguments='{"thing": "mine"}'), SAID),
        StopReason.END_TURN,
        (*CALL_AND_RETURN, "assistant_message"),
        ("found theirs",),
        agent={"tool_rules": [rule("run_first", "look_up", args={"thing": "theirs"})]},
    ),
    "text where a rule demands a call": Situation(
        (Reply("I'd rather talk"),),
        StopReason.NO_TOOL_CALL,
        error="demand a call of look_up",
        agent={"tool_rules": [rule("run_first", "look_up")]},
    ),
    "rules that allow no tool": Situation(
        (calls("look_up"),),
        StopReason.ERROR,
        CALL_AND_RETURN,
        ("found nothing",),
        error="allow no tool to be called next",
        agent={
            "tool_rules": [
                rule("conditional", "look_up", child_output_mapping={"x": "note"}, require_output_mapping=True)
            ]
        },
    ),
    "call that needs approval": Situation(
        (calls("note"),),
        StopReason.REQUIRES_APPROVAL,
        (ASKED,),
        agent={"tool_rules": [rule("requires_approval", "note")]},
    ),
    "calls with and without approval in one answer": Situation(
        (calls("look_up", "note", text="both"),),
        StopReason.REQUIRES_APPROVAL,
        ("assistant_message", "tool_call_message", ASKED),
        agent={"tool_rules": [rule("requires_approval", "note")], "parallel_tool_calls": True},
    ),
    "call of a client's tool": Situation(
        (calls("measure"),), StopReason.REQUIRES_APPROVAL, (ASKED,), request={"client_tools": [{"name": "measure"}]}
    ),
    "client's tool in the place of the agent's": Situation(
        (calls("look_up"),), StopReason.REQUIRES_APPROVAL, (ASKED,), request={"client_tools": [{"name": "look_up"}]}
    ),
    "provider refuses": Situation((ErrorReply(401, "no such key"),), StopReason.LLM_API_ERROR, (), error="401"),
    "provider wants money": Situation(
        (ErrorReply(402, "pay first"),), StopReason.INSUFFICIENT_CREDITS, (), error="402"
    ),
    "provider fails after a tool": Situation(
        (calls("look_up"), ErrorReply(400, "odd")),
        StopReason.LLM_API_ERROR,
        CALL_AND_RETURN,
        ("found nothing",),
        error="400",
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_situation_has_its_messages_stop_reason_and_status(name: str, lane: Lane, provider: ScriptedModel) -> None:
    situation = SITUATIONS[name]
    lane.use_agent(LOOK_UP, NOTE, BREAK, **{"include_base_tools": False, **situation.agent})
    provider.play(situation.answers)
    run = lane.accept(**situation.request)

    lane.run_slice()

    ended = lane.run(run)
    assert (ended.stop_reason, ended.status) == (situation.stop_reason, status_of(situation.stop_reason))
    assert shown_types(lane, run) == ["user_message", *situation.messages]
    texts = [given.text for message in lane.log for given in message.draft.tool_returns]
    assert [text[: len(start)] for text, start in zip(texts, situation.returns, strict=True)] == [*situation.returns]
    assert (situation.error or "") in (ended.error or "")
    assert (ended.error is None) is (situation.error is None)
    if situation.stop_reason is not StopReason.REQUIRES_APPROVAL:
        lane.assert_settled([run])


def shown_types(lane: Lane, run: Run) -> list[str]:
    """Return the types of the messages that the run shows."""
    return [message["message_type"] for message in Queries(lane.database).all_run_messages(lane.run(run))]


def test_system_prompt_that_fills_the_window_is_a_reason_of_its_own(lane: Lane, provider: ScriptedModel) -> None:
    lane.agent = lane.create_agent(system="x" * 8_000, context_window_limit=1_000)
    provider.play([ErrorReply(400, "too long", code="context_length_exceeded")])
    run = lane.accept()

    lane.run_slice()

    assert lane.run(run).stop_reason is StopReason.CONTEXT_WINDOW_OVERFLOW_IN_SYSTEM_PROMPT
    assert lane.run(run).status is RunStatus.FAILED


def test_cancelled_run_says_so(lane: Lane) -> None:
    run = lane.accept()
    Cancellation(lane.database, lane.doorbell, lane.clock).cancel_agent(TENANT, lane.agent.id)

    lane.run_slice()

    assert (lane.run(run).stop_reason, lane.run(run).status) == (StopReason.CANCELLED, RunStatus.CANCELLED)


def test_every_stop_reason_arises() -> None:
    arising = {situation.stop_reason for situation in SITUATIONS.values()}
    arising |= {StopReason.CANCELLED, StopReason.CONTEXT_WINDOW_OVERFLOW_IN_SYSTEM_PROMPT}  # the two tests above
    assert arising == set(StopReason)


def test_model_is_offered_what_the_rules_allow_and_told_when_it_must_call(lane: Lane, provider: ScriptedModel) -> None:
    rules = [rule("run_first", "look_up"), rule("constrain_child_tools", "look_up", children=["note", "break_it"])]
    lane.use_agent(LOOK_UP, NOTE, BREAK, include_base_tools=False, tool_rules=rules)
    provider.play([calls("look_up"), calls("note"), SAID])
    lane.accept()

    lane.run_slice()

    assert [offered(seen) for seen in provider.requests] == [
        (["look_up"], {"type": "function", "function": {"name": "look_up"}}),
        (["note", "break_it"], "required"),
        (["look_up", "note", "break_it"], None),
    ]


def offered(seen: SeenRequest) -> tuple[list[str], object]:
    """Return the tools of a request to the model, and its tool_choice where it is not left to the model."""
    names = [tool["function"]["name"] for tool in seen.body.get("tools", ())]
    choice = seen.body.get("tool_choice")
    return names, None if choice == "auto" else choice


def test_hidden_notice_reaches_the_model_alone(lane: Lane, provider: ScriptedModel) -> None:
    lane.use_agent(NOTE, tool_rules=[rule("required_before_exit", "note")])
    provider.play([Reply("bye"), calls("note"), SAID])
    lane.accept()

    lane.run_slice()

    assert "note" in provider.requests[1].texts_of("user")[-1]
    hidden = [message for message in lane.log if message.draft.is_hidden]
    assert len(hidden) == 1
    shown = Queries(lane.database).agent_messages(TENANT, lane.agent.id, AgentMessagesQuery())
    assert hidden[0].id not in {message["id"] for message in shown}
