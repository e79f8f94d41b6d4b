"""A `ModelRequest` in the words of OpenAI's Chat Completions, in the dialect that compatible servers share."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from nightshift.domain.message import Message, MessageDraft, Role, TextPart, ToolCall, ToolSchema
from nightshift.models.answer_fields import arguments_object

if TYPE_CHECKING:
    from openai.types.chat import (
        ChatCompletionAssistantMessageParam,
        ChatCompletionMessageFunctionToolCallParam,
        ChatCompletionMessageParam,
        ChatCompletionToolParam,
    )


def chat_messages(system: str, messages: Iterable[Message]) -> "list[ChatCompletionMessageParam]":
    """Return the conversation, each tool return as a message of its own; messages that say nothing are left out."""
    opening: list[ChatCompletionMessageParam] = [{"role": "system", "content": system}] if system.strip() else []
    return opening + [said for message in messages for said in _chat_messages(message.draft)]


def chat_tools(tools: Iterable[ToolSchema]) -> "list[ChatCompletionToolParam]":
    """Return the tools as they are offered to the model."""
    return [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
        }
        for tool in tools
    ]


def _chat_messages(draft: MessageDraft) -> "list[ChatCompletionMessageParam]":
    match draft.role:
        case Role.TOOL:
            return [
                {"role": "tool", "tool_call_id": given.tool_call_id, "content": given.text}
                for given in draft.tool_returns
            ]
        case Role.ASSISTANT:
            return _assistant_messages(draft)
        case Role.USER:
            return [{"role": "user", "content": text}] if (text := _text(draft)) else []
        case Role.SYSTEM:
            return [{"role": "system", "content": text}] if (text := _text(draft)) else []


def _assistant_messages(draft: MessageDraft) -> "list[ChatCompletionMessageParam]":
    """Return the message with its tool calls, or nothing: a message with neither is refused by every provider."""
    text = _text(draft)
    if not text and not draft.tool_calls:
        return []
    message: ChatCompletionAssistantMessageParam = {"role": "assistant", "content": text or None}
    if draft.tool_calls:
        message["tool_calls"] = [_tool_call(call) for call in draft.tool_calls]
    return [message]


def _tool_call(call: ToolCall) -> "ChatCompletionMessageFunctionToolCallParam":
    arguments = json.dumps(arguments_object(call), ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _text(draft: MessageDraft) -> str:
    """Join the text parts; a string is understood by every compatible server, a list of parts is not."""
    return "\n".join(part.text for part in draft.content if isinstance(part, TextPart) and part.text.strip())
