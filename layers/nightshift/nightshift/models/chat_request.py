"""A `ModelRequest` in the words of OpenAI's Chat Completions, in the dialect that compatible servers share."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, Literal

from nightshift.domain.content import Base64Image, ContentPart, ImagePart, in_words
from nightshift.domain.message import Message, MessageDraft, Role, ToolCall, ToolSchema
from nightshift.models.answer_fields import arguments_object
from nightshift.models.unsayable import UNREADABLE_TEXT, is_unreadable

if TYPE_CHECKING:
    from openai.types.chat import (
        ChatCompletionAssistantMessageParam,
        ChatCompletionContentPartParam,
        ChatCompletionMessageFunctionToolCallParam,
        ChatCompletionMessageParam,
        ChatCompletionToolParam,
    )
    from openai.types.chat.chat_completion_content_part_image_param import ImageURL


_FETCHED: Final = ("http://", "https://", "data:")
"""Addresses of pictures that are handed on as they are; any other is said in words."""

_DETAILS: Final[dict[str, Literal["low", "high", "auto"]]] = {"low": "low", "high": "high", "auto": "auto"}


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
        case Role.USER | Role.SUMMARY:
            return _user_messages(draft)
        case Role.SYSTEM:
            return [{"role": "system", "content": text}] if (text := _text(draft)) else []
        case Role.APPROVAL | Role.EVENT:
            # What an approval brings is told by the tool's return, and an event is for clients.
            return []


def _user_messages(draft: MessageDraft) -> "list[ChatCompletionMessageParam]":
    """Return the message, in parts where it shows a picture, or nothing when it is empty."""
    if any(_image(part) for part in draft.content):
        return [{"role": "user", "content": [part for part in map(_part, draft.content) if part]}]
    text = _text(draft) or (UNREADABLE_TEXT if is_unreadable(draft) else "")
    return [{"role": "user", "content": text}] if text else []


def _part(part: ContentPart) -> "ChatCompletionContentPartParam | None":
    if image := _image(part):
        return image
    words = in_words(part)
    return {"type": "text", "text": words} if words.strip() else None


def _image(part: ContentPart) -> "ChatCompletionContentPartParam | None":
    """Return a picture that can be sent: one that is here, or one at an address that a provider may fetch."""
    match part:
        case ImagePart(url=url) if url.lower().startswith(_FETCHED):
            return {"type": "image_url", "image_url": {"url": url}}
        case ImagePart(inline=Base64Image() as inline):
            image: ImageURL = {"url": f"data:{inline.media_type};base64,{inline.data}"}
            if inline.detail in _DETAILS:
                image["detail"] = _DETAILS[inline.detail]
            return {"type": "image_url", "image_url": image}
        case _:
            return None


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
    return "\n".join(words for part in draft.content if (words := in_words(part)).strip())
