"""Runs the tool calls of one model answer and gives every one of them a return."""

from collections.abc import Sequence

from nightshift.domain.message import MessageDraft, Role, ToolCall, ToolReturn, ToolSchema


def run_tool_calls(calls: Sequence[ToolCall], offered: Sequence[ToolSchema]) -> MessageDraft:
    """Return the one tool message that answers all calls, in their order.

    A call of a tool that was not offered is not executed: its return says so and names those that are (§3.4).
    """
    names = [tool.name for tool in offered]
    return MessageDraft(role=Role.TOOL, tool_returns=tuple(_refuse(call, names) for call in calls))


def answer_cancelled_calls(calls: Sequence[ToolCall]) -> MessageDraft:
    """Return the tool message for calls whose run was cancelled before their returns were kept."""
    text = "The run was cancelled before this call's return was stored; it may or may not have run."
    returns = (ToolReturn(call.id, call.name, text, status="error", stderr=(text,)) for call in calls)
    return MessageDraft(role=Role.TOOL, tool_returns=tuple(returns))


def _refuse(call: ToolCall, names: Sequence[str]) -> ToolReturn:
    valid = ", ".join(names) if names else "none"
    text = f"[ToolConstraintError] Cannot call {call.name}: it is not an available tool. Valid tools: {valid}."
    return ToolReturn(tool_call_id=call.id, name=call.name, text=text, status="error", stderr=(text,))
