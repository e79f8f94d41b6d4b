"""What the messages of the API hold beside their common fields, one kind after the other (letta_api_spec §4)."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from nightshift.domain.approval import Approval, ApprovalDecision, ClientToolReturn
from nightshift.domain.content import (
    ContentPart,
    ImagePart,
    OmittedReasoningPart,
    ReasoningPart,
    RedactedReasoningPart,
    SummarizedReasoningPart,
    TextPart,
    in_words,
)
from nightshift.domain.message import Compaction, MessageDraft, ToolCall, ToolReturn
from nightshift.domain.run import DisplayConfig

type Json = dict[str, Any]

SUMMARY_PREFACE: Final = "Earlier messages of this conversation are out of view. What follows is a summary of them.\n\n"
"""What a summary begins with when a model reads it."""


def show_content(content: Sequence[ContentPart]) -> str | list[Json]:
    """Show one text as a string and anything else as a list of texts and images; reasoning is shown apart."""
    shown = [part for part in content if isinstance(part, ImagePart | TextPart) or in_words(part)]
    match shown:
        case []:
            return ""
        case [TextPart(text=text)]:
            return text
        case _:
            return [_show_part(part) for part in shown]


def show_words(draft: MessageDraft) -> str:
    """Show content where the API has a place for one text alone."""
    return "\n".join(words for part in draft.content if (words := in_words(part)) or isinstance(part, TextPart))


def show_reasoning(draft: MessageDraft) -> Iterator[tuple[str, Json]]:
    """Yield type and fields of a message for each thought in the content, hidden ones included."""
    for part in draft.content:
        match part:
            case ReasoningPart(reasoning=reasoning, is_native=is_native, signature=signature):
                source = "reasoner_model" if is_native else "non_reasoner_model"
                yield "reasoning_message", {"source": source, "reasoning": reasoning, "signature": signature}
            case SummarizedReasoningPart(text=text, encrypted_content=encrypted):
                yield "reasoning_message", {"source": "reasoner_model", "reasoning": text, "signature": encrypted}
            case RedactedReasoningPart(data=data):
                yield "hidden_reasoning_message", {"state": "redacted", "hidden_reasoning": data}
            case OmittedReasoningPart():
                yield "hidden_reasoning_message", {"state": "omitted", "hidden_reasoning": None}


def show_calls(draft: MessageDraft) -> Iterator[tuple[str, Json]]:
    """Yield type and fields of a message for the calls that run at once, and of one for those that wait."""
    gated = set(draft.gated_call_ids)
    for kind, is_gated in (("tool_call_message", False), ("approval_request_message", True)):
        if calls := [_show_call(call) for call in draft.tool_calls if (call.id in gated) is is_gated]:
            yield kind, {"tool_call": calls[0], "tool_calls": calls}


def show_returns(returns: Sequence[ToolReturn]) -> Json:
    """Show the returns of one answer's calls, with mirrors of the first."""
    shown = [_show_return(given) for given in returns]
    first = {name: value for name, value in shown[0].items() if name != "type"}
    return first | {"tool_returns": shown, "name": returns[0].name}


def show_approvals(approvals: Sequence[Approval]) -> Json:
    """Show a client's answer, with the deprecated mirrors of its first item."""
    first = approvals[0]
    decision = first if isinstance(first, ApprovalDecision) else None
    return {
        "approvals": [_show_approval(approval) for approval in approvals],
        "approve": decision.approve if decision else None,
        "approval_request_id": first.tool_call_id,
        "reason": decision.reason if decision else None,
    }


def show_summary(draft: MessageDraft) -> Json:
    """Show what stands for messages that a compaction took out of the context window."""
    summary = unpack_summary(show_words(draft))
    return {"summary": summary, "compaction_stats": draft.compaction and stats_of(draft.compaction)}


def show_event(compaction: Compaction | None) -> Json:
    """Show that the context window was shortened."""
    data = compaction and {
        "trigger": compaction.trigger,
        "context_token_estimate": compaction.tokens_before,
        "context_window": compaction.context_window_tokens,
    }
    return {"event_type": "compaction", "event_data": data or {}}


def take_answers(draft: MessageDraft, display: DisplayConfig) -> tuple[list[str], MessageDraft]:
    """Return the words of calls that are answers, and the message without these calls.

    Agents of older kinds answer by calling the tool that the run's `request_config` names (letta_api_spec §3.11).
    """
    answers = {call.id: words for call in draft.tool_calls if (words := _words_of(call, draft, display)) is not None}
    if not answers:
        return [], draft
    return list(answers.values()), replace(
        draft, tool_calls=tuple(call for call in draft.tool_calls if call.id not in answers)
    )


def without_answers(draft: MessageDraft, display: DisplayConfig) -> MessageDraft:
    """Return the message of returns without those of calls that are shown as answers."""
    if not display.use_assistant_message:
        return draft
    hidden = display.assistant_message_tool_name
    kept = tuple(one for one in draft.tool_returns if one.name != hidden or one.status == "error")
    return draft if len(kept) == len(draft.tool_returns) else replace(draft, tool_returns=kept)


def _show_part(part: ContentPart) -> Json:
    if isinstance(part, ImagePart):
        return {"type": "image", "source": asdict(part.source)}
    return {"type": "text", "text": in_words(part)}


def _show_call(call: ToolCall) -> Json:
    return {"name": call.name, "arguments": call.arguments, "tool_call_id": call.id}


def _show_return(given: ToolReturn) -> Json:
    return {
        "type": "tool",
        "tool_return": given.text,
        "status": given.status,
        "tool_call_id": given.tool_call_id,
        "stdout": list(given.stdout),
        "stderr": list(given.stderr),
    }


def _show_approval(approval: Approval) -> Json:
    match approval:
        case ApprovalDecision(tool_call_id=call_id, approve=approve, reason=reason):
            return {"type": "approval", "tool_call_id": call_id, "approve": approve, "reason": reason}
        case ClientToolReturn():
            return {
                "type": "tool",
                "tool_call_id": approval.tool_call_id,
                "tool_return": show_content(approval.content),
                "status": approval.status,
                "stdout": None if approval.stdout is None else list(approval.stdout),
                "stderr": None if approval.stderr is None else list(approval.stderr),
            }


def unpack_summary(text: str) -> str:
    """Return the summary itself; a text that is not packed is one already."""
    try:
        packed = json.loads(text)
    except ValueError:
        return text
    message = packed.get("message") if isinstance(packed, dict) else None
    return message.removeprefix(SUMMARY_PREFACE) if isinstance(message, str) else text


def stats_of(compaction: Compaction) -> Json:
    """Return what was shortened by how much, in the words of the API."""
    return {
        "trigger": compaction.trigger,
        "context_tokens_before": compaction.tokens_before,
        "context_tokens_after": compaction.tokens_after,
        "context_window": compaction.context_window_tokens,
        "messages_count_before": compaction.messages_before,
        "messages_count_after": compaction.messages_after,
    }


def _words_of(call: ToolCall, draft: MessageDraft, display: DisplayConfig) -> str | None:
    is_answer = display.use_assistant_message and call.name == display.assistant_message_tool_name
    if not is_answer or call.id in draft.gated_call_ids:
        return None
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        return None
    words = arguments.get(display.assistant_message_tool_kwarg) if isinstance(arguments, dict) else None
    return words if isinstance(words, str) else None
