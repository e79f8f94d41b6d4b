"""A `ModelRequest` in the words of Bedrock's Converse API, with what Converse insists on.

Roles alternate and the first is the user's; no text is blank; results follow their calls in the next user message; and
tools are declared whenever the history mentions one.
"""

import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal

from nightshift.domain.content import ContentPart, ImagePart, in_words
from nightshift.domain.message import Message, MessageDraft, ReasoningPart, Role, ToolCall, ToolReturn
from nightshift.models.answer_fields import arguments_object
from nightshift.models.port import ModelRequest
from nightshift.models.unsayable import UNREADABLE_TEXT, is_unreadable

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime.type_defs import (
        ContentBlockTypeDef,
        ConverseRequestTypeDef,
        ImageBlockTypeDef,
        InferenceConfigurationTypeDef,
        MessageTypeDef,
        ToolTypeDef,
    )

type Speaker = Literal["user", "assistant"]

OPENING_TEXT = "(The conversation before this point is not shown.)"
"""Stands for the user's part when the window begins with the assistant's."""

NO_OUTPUT_TEXT = "(no output)"
"""Stands for a tool's empty result, which Converse refuses."""

_TOOL_USE_ID: Final = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_FAMILIES_WITH_RESULT_STATUS: Final = ("anthropic.", "amazon.nova")
"""Only these accept a tool result's `status`; others answer 400 (documentation of ToolResultBlock)."""


_UNSPOKEN: Final = frozenset({Role.APPROVAL, Role.EVENT})
"""What an approval brings is told by the tool's return, and an event is for clients."""

_IMAGE_FORMATS: Final[dict[str, Literal["gif", "jpeg", "png", "webp"]]] = {
    "image/gif": "gif",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/png": "png",
    "image/webp": "webp",
}


def converse_request(request: ModelRequest) -> "ConverseRequestTypeDef":
    """Return the keyword arguments for `client.converse`."""
    body: ConverseRequestTypeDef = {"modelId": request.model, "messages": _messages(request)}
    if request.system.strip():
        body["system"] = [{"text": request.system}]
    if inference := _inference_config(request):
        body["inferenceConfig"] = inference
    if tools := _tools(request):
        body["toolConfig"] = {"tools": tools}
    return body


def _messages(request: ModelRequest) -> "list[MessageTypeDef]":
    has_status = any(family in request.model for family in _FAMILIES_WITH_RESULT_STATUS)
    merged: list[MessageTypeDef] = []
    for message in request.messages:
        blocks = _blocks(message.draft, has_status=has_status)
        if not blocks:
            continue
        role: Speaker = "assistant" if message.role is Role.ASSISTANT else "user"
        if merged and merged[-1]["role"] == role:
            merged[-1]["content"] = [*merged[-1]["content"], *blocks]
        else:
            merged.append({"role": role, "content": blocks})
    if merged and merged[0]["role"] == "assistant":
        merged.insert(0, {"role": "user", "content": [{"text": OPENING_TEXT}]})
    return merged


def _blocks(draft: MessageDraft, *, has_status: bool) -> "list[ContentBlockTypeDef]":
    if draft.role in _UNSPOKEN:
        return []
    spoken = list(_content(draft))
    spoken += [_tool_use(call) for call in draft.tool_calls]
    spoken += [_tool_result(given, has_status=has_status) for given in draft.tool_returns]
    # Reasoning alone is no message that Converse accepts.
    return [*_signed_reasoning(draft), *spoken] if spoken else []


def _content(draft: MessageDraft) -> "Iterator[ContentBlockTypeDef]":
    """Yield the content's blocks in their order; pictures are the user's alone, elsewhere words stand for them."""
    shows_images = draft.role is not Role.ASSISTANT
    for part in draft.content:
        if shows_images and (image := _image(part)):
            yield {"image": image}
        elif (words := in_words(part)).strip():
            yield {"text": words}
    if shows_images and is_unreadable(draft):
        yield {"text": UNREADABLE_TEXT}


def _image(part: ContentPart) -> "ImageBlockTypeDef | None":
    """Return a picture that is here and of a format that Converse takes; it fetches none."""
    inline = part.inline if isinstance(part, ImagePart) else None
    image_format = _IMAGE_FORMATS.get(inline.media_type.lower()) if inline else None
    if inline is None or image_format is None:
        return None
    try:
        return {"format": image_format, "source": {"bytes": binascii.a2b_base64(inline.data)}}
    except ValueError:
        return None


def _signed_reasoning(draft: MessageDraft) -> "list[ContentBlockTypeDef]":
    """Return the reasoning that the provider wants back; without its signature it is refused."""
    if draft.role is not Role.ASSISTANT:
        return []
    return [
        {"reasoningContent": {"reasoningText": {"text": part.reasoning, "signature": part.signature}}}
        for part in draft.content
        if isinstance(part, ReasoningPart) and part.signature
    ]


def _tool_use(call: ToolCall) -> "ContentBlockTypeDef":
    return {"toolUse": {"toolUseId": _tool_use_id(call.id), "name": call.name, "input": arguments_object(call)}}


def _tool_result(given: ToolReturn, *, has_status: bool) -> "ContentBlockTypeDef":
    text = given.text if given.text.strip() else NO_OUTPUT_TEXT
    block: ContentBlockTypeDef = {
        "toolResult": {"toolUseId": _tool_use_id(given.tool_call_id), "content": [{"text": text}]}
    }
    if has_status and given.status == "error":
        block["toolResult"]["status"] = "error"
    return block


def _tool_use_id(call_id: str) -> str:
    """Return the id, or a stand-in where another provider's does not fit Converse's pattern."""
    return call_id if _TOOL_USE_ID.fullmatch(call_id) else sha256(call_id.encode()).hexdigest()[:32]


def _inference_config(request: ModelRequest) -> "InferenceConfigurationTypeDef":
    config: InferenceConfigurationTypeDef = {}
    if request.max_tokens is not None:
        config["maxTokens"] = request.max_tokens
    if request.temperature is not None:
        config["temperature"] = request.temperature
    return config


def _tools(request: ModelRequest) -> "Sequence[ToolTypeDef]":
    """Return the tools offered, and by name those that only the history mentions: Converse wants them declared."""
    offered = [_tool(tool.name, tool.description, tool.parameters) for tool in request.tools]
    if offered:
        return offered
    empty = {"type": "object", "properties": {}}
    return [_tool(name, "No longer available.", empty) for name in _mentioned_tools(request.messages)]


def _tool(name: str, description: str, parameters: dict[str, Any]) -> "ToolTypeDef":
    tool: ToolTypeDef = {"toolSpec": {"name": name, "inputSchema": {"json": parameters}}}
    if description.strip():
        tool["toolSpec"]["description"] = description
    return tool


def _mentioned_tools(messages: Iterable[Message]) -> list[str]:
    return sorted({call.name for message in messages for call in message.draft.tool_calls})
