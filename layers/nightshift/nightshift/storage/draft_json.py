"""The stored form of a message draft: plain JSON without what is empty. Reads what older versions wrote."""

from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any, Final

from nightshift.domain.approval import Approval, ApprovalDecision, ClientToolReturn
from nightshift.domain.content import (
    Base64Image,
    ContentPart,
    ImagePart,
    ImageSource,
    LettaImage,
    OmittedReasoningPart,
    ReasoningPart,
    ReasoningSummary,
    RedactedReasoningPart,
    ShownPart,
    SummarizedReasoningPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UrlImage,
)
from nightshift.domain.message import Compaction, MessageDraft, Role, ToolCall, ToolReturn

type Json = dict[str, Any]

_PLAIN_PARTS: Final[dict[str, Callable[..., ContentPart]]] = {
    "text": TextPart,
    "tool_call": ToolCallPart,
    "tool_return": ToolReturnPart,
    "reasoning": ReasoningPart,
    "redacted_reasoning": RedactedReasoningPart,
    "omitted_reasoning": OmittedReasoningPart,
}
"""Parts whose fields are stored as they are."""

_SOURCES: Final[dict[str, Callable[..., ImageSource]]] = {"url": UrlImage, "base64": Base64Image, "letta": LettaImage}


def draft_to_json(draft: MessageDraft) -> Json:
    """Convert a draft to plain JSON."""
    stored: Json = {
        "role": draft.role.value,
        "content": [_part_to_json(part) for part in draft.content],
        "tool_calls": [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in draft.tool_calls],
        "tool_returns": [_return_to_json(tool_return) for tool_return in draft.tool_returns],
        "gated_call_ids": list(draft.gated_call_ids),
        "approvals": [_approval_to_json(approval) for approval in draft.approvals],
        "compaction": asdict(draft.compaction) if draft.compaction else None,
        "is_hidden": draft.is_hidden,
        "name": draft.name,
        "otid": draft.otid,
        "sender_id": draft.sender_id,
        "group_id": draft.group_id,
        "batch_item_id": draft.batch_item_id,
    }
    return {name: value for name, value in stored.items() if value}


def json_to_draft(stored: Json) -> MessageDraft:
    """Read a draft that `draft_to_json` wrote."""
    return MessageDraft(
        role=Role(stored["role"]),
        content=tuple(_json_to_part(part) for part in stored.get("content", [])),
        tool_calls=tuple(ToolCall(**call) for call in stored.get("tool_calls", [])),
        tool_returns=tuple(_json_to_return(tool_return) for tool_return in stored.get("tool_returns", [])),
        gated_call_ids=tuple(stored.get("gated_call_ids", [])),
        approvals=tuple(_json_to_approval(approval) for approval in stored.get("approvals", [])),
        compaction=Compaction(**stored["compaction"]) if "compaction" in stored else None,
        is_hidden=stored.get("is_hidden", False),
        name=stored.get("name"),
        otid=stored.get("otid"),
        sender_id=stored.get("sender_id"),
        group_id=stored.get("group_id"),
        batch_item_id=stored.get("batch_item_id"),
    )


def _return_to_json(tool_return: ToolReturn) -> Json:
    stored: Json = {
        "tool_call_id": tool_return.tool_call_id,
        "name": tool_return.name,
        "text": tool_return.text,
        "status": tool_return.status,
        "stdout": list(tool_return.stdout),
        "stderr": list(tool_return.stderr),
    }
    images = [_part_to_json(image) for image in tool_return.images]
    return stored | ({"images": images} if images else {})


def _json_to_return(stored: Json) -> ToolReturn:
    lists = {
        "stdout": tuple(stored["stdout"]),
        "stderr": tuple(stored["stderr"]),
        "images": tuple(_json_to_image(image) for image in stored.get("images", ())),
    }
    return ToolReturn(**stored | lists)


def _approval_to_json(approval: Approval) -> Json:
    match approval:
        case ApprovalDecision():
            stored: Json = asdict(approval)
            # Nearly every decision is of the form that is not deprecated.
            stored["names_request"] = approval.names_request or None
        case ClientToolReturn():
            stored = {
                "tool_call_id": approval.tool_call_id,
                "content": [_part_to_json(part) for part in approval.content],
                "status": approval.status,
                "stdout": None if approval.stdout is None else list(approval.stdout),
                "stderr": None if approval.stderr is None else list(approval.stderr),
            }
    return {name: value for name, value in stored.items() if value is not None}


def _json_to_approval(stored: Json) -> Approval:
    if "approve" in stored:
        return ApprovalDecision(**stored)
    return ClientToolReturn(
        tool_call_id=stored["tool_call_id"],
        content=tuple(_json_to_shown_part(part) for part in stored["content"]),
        status=stored["status"],
        stdout=tuple(stored["stdout"]) if "stdout" in stored else None,
        stderr=tuple(stored["stderr"]) if "stderr" in stored else None,
    )


def _part_to_json(part: ContentPart) -> Json:
    match part:
        case ImagePart(source=source):
            return {"type": "image", "source": _present(source)}
        case SummarizedReasoningPart(summary=summary):
            return _present(part) | {"summary": [[paragraph.index, paragraph.text] for paragraph in summary]}
        case _:
            return _present(part)


def _json_to_part(stored: Json) -> ContentPart:
    match stored["type"]:
        case "image" | "text":
            return _json_to_shown_part(stored)
        case "summarized_reasoning":
            paragraphs = tuple(ReasoningSummary(index, text) for index, text in stored["summary"])
            return SummarizedReasoningPart(**stored | {"summary": paragraphs})
        case kind if kind in _PLAIN_PARTS:
            return _PLAIN_PARTS[kind](**stored)
        case unknown:
            raise ValueError(f"a stored content part has the unknown type {unknown!r}")


def _json_to_shown_part(stored: Json) -> ShownPart:
    return TextPart(**stored) if stored["type"] == "text" else _json_to_image(stored)


def _json_to_image(stored: Json) -> ImagePart:
    source = stored["source"]
    return ImagePart(_SOURCES[source["type"]](**source))


def _present(value: Any) -> Json:
    """Return the fields of a part that are there; their names are those of its class."""
    found = {field.name: getattr(value, field.name) for field in fields(value)}
    return {name: content for name, content in found.items() if content is not None}
