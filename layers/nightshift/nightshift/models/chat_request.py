"""A `ModelRequest` in the words of OpenAI's Chat Completions, in the dialect that compatible servers share."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from nightshift.domain.content import Base64Image, ContentPart, ImagePart, in_words
from nightshift.domain.message import Message, MessageDraft, ReasoningPart, Role, ToolCall, ToolSchema
from nightshift.models.answer_fields import arguments_object
from nightshift.models.port import ModelRequest
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


SHOWN_BY_TOOLS_TEXT: Final = "(Pictures that the tools above gave back.)"

_DETAILS: Final[dict[str, Literal["low", "high", "auto"]]] = {"low": "low", "high": "high", "auto": "auto"}


def chat_messages(
    system: str, messages: Sequence[Message], maker: str = "", reasoning_field: str = "reasoning_content"
) -> "list[ChatCompletionMessageParam]":
    """Return the conversation, each tool return as a message of its own; messages that say nothing are left out.

    Args:
        maker: who is spoken to; what it thought since the user's last words goes back in `reasoning_field`, since
            models are trained to think on from it within a tool loop, and to forget it afterwards.
    """
    said: list[ChatCompletionMessageParam] = [{"role": "system", "content": system}] if system.strip() else []
    loop_begins = max((place for place, one in enumerate(messages) if one.role is Role.USER), default=0)
    pictures: list[ImagePart] = []
    for place, message in enumerate(messages):
        spoken = _chat_messages(message.draft)
        if message.role is Role.TOOL:
            pictures += [image for given in message.draft.tool_returns for image in given.images]
        elif spoken:
            said += _shown_after_returns(pictures)
            pictures.clear()
        if spoken and place > loop_begins and (thoughts := _thoughts(message.draft, maker)):
            last: Any = spoken[-1]
            last[reasoning_field] = thoughts
        said += spoken
    return said + _shown_after_returns(pictures)


def _shown_after_returns(pictures: Iterable[ImagePart]) -> "list[ChatCompletionMessageParam]":
    """Return the message that shows what tools gave back as pictures: their own messages hold text alone."""
    shown: list[ChatCompletionContentPartParam] = [image for image in map(_image, pictures) if image]
    words: ChatCompletionContentPartParam = {"type": "text", "text": SHOWN_BY_TOOLS_TEXT}
    return [{"role": "user", "content": [words, *shown]}] if shown else []


def _thoughts(draft: MessageDraft, maker: str) -> str:
    if draft.role is not Role.ASSISTANT or not maker:
        return ""
    own = (part for part in draft.content if isinstance(part, ReasoningPart) and part.maker == maker)
    return "\n".join(part.reasoning for part in own)


def chat_tool_choice(request: ModelRequest) -> Any:
    """Return the choice, None to leave it to the model; without tools there is nothing to choose."""
    match request.tool_choice if request.tools else None:
        case None | "auto":
            return None
        case "required":
            return "required"
        case name:
            return {"type": "function", "function": {"name": name}}


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
    """Return a picture that is here; an address is nothing for a provider, which would fetch it without our guard."""
    match part:
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
