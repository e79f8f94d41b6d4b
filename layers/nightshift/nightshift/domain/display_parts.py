"""What the messages of the API hold beside their common fields, one kind after the other (letta_api_spec §4)."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

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

type Json = dict[str, Any]


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
    return {"summary": show_words(draft), "compaction_stats": draft.compaction and _show_stats(draft.compaction)}


def show_event(compaction: Compaction | None) -> Json:
    """Show that the context window was shortened."""
    data = compaction and {
        "trigger": compaction.trigger,
        "context_token_estimate": compaction.tokens_before,
        "context_window": compaction.context_window_tokens,
    }
    return {"event_type": "compaction", "event_data": data or {}}


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


def _show_stats(compaction: Compaction) -> Json:
    return {
        "trigger": compaction.trigger,
        "context_tokens_before": compaction.tokens_before,
        "context_tokens_after": compaction.tokens_after,
        "context_window": compaction.context_window_tokens,
        "messages_count_before": compaction.messages_before,
        "messages_count_after": compaction.messages_after,
    }
