"""The stored form of a message draft: plain JSON without what is empty. Reads what older versions wrote."""

from typing import Any

from nightshift.domain.message import (
    ContentPart,
    MessageDraft,
    ReasoningPart,
    Role,
    TextPart,
    ToolCall,
    ToolReturn,
)


def draft_to_json(draft: MessageDraft) -> dict[str, Any]:
    """Convert a draft to plain JSON."""
    stored: dict[str, Any] = {
        "role": draft.role.value,
        "content": [_part_to_json(part) for part in draft.content],
        "tool_calls": [{"id": call.id, "name": call.name, "arguments": call.arguments} for call in draft.tool_calls],
        "tool_returns": [_return_to_json(tool_return) for tool_return in draft.tool_returns],
        "name": draft.name,
        "otid": draft.otid,
        "sender_id": draft.sender_id,
        "group_id": draft.group_id,
        "batch_item_id": draft.batch_item_id,
    }
    return {name: value for name, value in stored.items() if value}


def json_to_draft(stored: dict[str, Any]) -> MessageDraft:
    """Read a draft that `draft_to_json` wrote."""
    return MessageDraft(
        role=Role(stored["role"]),
        content=tuple(_json_to_part(part) for part in stored.get("content", [])),
        tool_calls=tuple(ToolCall(**call) for call in stored.get("tool_calls", [])),
        tool_returns=tuple(_json_to_return(tool_return) for tool_return in stored.get("tool_returns", [])),
        name=stored.get("name"),
        otid=stored.get("otid"),
        sender_id=stored.get("sender_id"),
        group_id=stored.get("group_id"),
        batch_item_id=stored.get("batch_item_id"),
    )


def _part_to_json(part: ContentPart) -> dict[str, Any]:
    match part:
        case TextPart():
            stored: dict[str, Any] = {"type": "text", "text": part.text, "signature": part.signature}
        case ReasoningPart():
            stored = {
                "type": "reasoning",
                "reasoning": part.reasoning,
                "is_native": part.is_native,
                "signature": part.signature,
            }
    return {name: value for name, value in stored.items() if value is not None}


def _json_to_part(stored: dict[str, Any]) -> ContentPart:
    match stored["type"]:
        case "text":
            return TextPart(**stored)
        case "reasoning":
            return ReasoningPart(**stored)
        case unknown:
            raise ValueError(f"a stored content part has the unknown type {unknown!r}")


def _return_to_json(tool_return: ToolReturn) -> dict[str, Any]:
    return {
        "tool_call_id": tool_return.tool_call_id,
        "name": tool_return.name,
        "text": tool_return.text,
        "status": tool_return.status,
        "stdout": list(tool_return.stdout),
        "stderr": list(tool_return.stderr),
    }


def _json_to_return(stored: dict[str, Any]) -> ToolReturn:
    return ToolReturn(**stored | {"stdout": tuple(stored["stdout"]), "stderr": tuple(stored["stderr"])})
