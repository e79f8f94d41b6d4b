"""A `ModelRequest` in the words of Bedrock's Converse API, with what Converse insists on.

Roles alternate and the first is the user's; no text is blank; results follow their calls in the next user message; and
tools are declared whenever the history mentions one.
"""

import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, Literal

from nightshift.domain.content import (
    ContentPart,
    ImagePart,
    OmittedReasoningPart,
    ReasoningPart,
    RedactedReasoningPart,
    in_words,
)
from nightshift.domain.message import Message, MessageDraft, Role, ToolCall, ToolReturn
from nightshift.models.alternation import NO_OUTPUT_TEXT, OPENING_TEXT, UNSPOKEN, by_turns
from nightshift.models.answer_fields import arguments_object
from nightshift.models.claude_thinking import thinking_of
from nightshift.models.port import ModelRequest
from nightshift.models.unsayable import UNREADABLE_TEXT, is_unreadable

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime.type_defs import (
        ContentBlockTypeDef,
        ConverseRequestTypeDef,
        ImageBlockTypeDef,
        InferenceConfigurationTypeDef,
        MessageTypeDef,
        ToolChoiceTypeDef,
        ToolResultContentBlockTypeDef,
        ToolTypeDef,
    )

_TOOL_USE_ID: Final = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_REGIONS: Final = frozenset({"apac", "au", "ca", "eu", "global", "jp", "us", "us-gov"})
"""What may stand before the vendor in a model's id."""

_NOVA_EFFORTS: Final = frozenset({"low", "medium", "high"})

_FAMILIES_WITH_RESULT_STATUS: Final = ("anthropic.", "amazon.nova")
"""Only these accept a tool result's `status`; others answer 400 (documentation of ToolResultBlock)."""

_IMAGE_FORMATS: Final[dict[str, Literal["gif", "jpeg", "png", "webp"]]] = {
    "image/gif": "gif",
    "image/jpeg": "jpeg",
    "image/jpg": "jpeg",
    "image/png": "png",
    "image/webp": "webp",
}


def maker_of(model: str) -> str:
    """Return who makes the reasoning of this model: the vendor in its id, which a region may precede."""
    words = model.rpartition("/")[2].split(".")
    return f"bedrock/{next((word for word in words if word not in _REGIONS), 'model')}"


def converse_request(request: ModelRequest) -> "ConverseRequestTypeDef":
    """Return the keyword arguments for `client.converse`."""
    messages = _messages(request)
    body: ConverseRequestTypeDef = {"modelId": request.model, "messages": messages}
    if request.system.strip():
        body["system"] = [{"text": request.system}]
    if inference := _inference_config(request):
        body["inferenceConfig"] = inference
    if tools := _tools(request):
        body["toolConfig"] = {"tools": tools}
        if request.tools and (choice := _tool_choice(request.tool_choice)):
            body["toolConfig"]["toolChoice"] = choice
    if extra := _reasoning_config(request, messages):
        body["additionalModelRequestFields"] = extra
        # With thinking on, Claude refuses every temperature but its own.
        body.get("inferenceConfig", {}).pop("temperature", None)
    return body


def _reasoning_config(request: ModelRequest, messages: "Sequence[MessageTypeDef]") -> dict[str, Any]:
    """Return what switches reasoning on; it is off unless asked for, and only Claude's and Nova's words are known."""
    if request.reasoning.is_on is not True:
        return {}
    if "anthropic." in request.model:
        answers = [message["content"] for message in messages if message["role"] == "assistant"]
        loops = bool(answers) and any("toolUse" in block for block in answers[-1])
        if loops and "reasoningContent" not in answers[-1][0]:
            return {}
        return {"thinking": thinking_of(request)}
    if "amazon.nova-2" in request.model:
        effort = request.reasoning.effort if request.reasoning.effort in _NOVA_EFFORTS else "low"
        return {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}
    return {}


def _tool_choice(choice: str | None) -> "ToolChoiceTypeDef | None":
    match choice:
        case None | "auto":
            return None
        case "required":
            return {"any": {}}
        case name:
            return {"tool": {"name": name}}


def _messages(request: ModelRequest) -> "list[MessageTypeDef]":
    has_status = any(family in request.model for family in _FAMILIES_WITH_RESULT_STATUS)
    blocks = partial(_blocks, maker=maker_of(request.model), has_status=has_status)
    opening: ContentBlockTypeDef = {"text": OPENING_TEXT}
    return [{"role": speaker, "content": said} for speaker, said in by_turns(request.messages, blocks, opening)]


def _blocks(draft: MessageDraft, *, maker: str, has_status: bool) -> "list[ContentBlockTypeDef]":
    if draft.role in UNSPOKEN:
        return []
    content = list(_content(draft, maker))
    content += [_tool_use(call) for call in draft.tool_calls]
    content += [_tool_result(given, has_status=has_status) for given in draft.tool_returns]
    # Converse refuses a message that ends in reasoning, and one that is nothing else.
    while content and "reasoningContent" in content[-1]:
        content.pop()
    return content


def _content(draft: MessageDraft, maker: str) -> "Iterator[ContentBlockTypeDef]":
    """Yield the content's blocks in their order; pictures are the user's alone, elsewhere words stand for them."""
    is_models = draft.role is Role.ASSISTANT
    for part in draft.content:
        if is_models and (thought := _reasoning(part, maker)):
            yield thought
        elif not is_models and (image := _image(part)):
            yield {"image": image}
        elif (words := in_words(part)).strip():
            yield {"text": words}
    if not is_models and is_unreadable(draft):
        yield {"text": UNREADABLE_TEXT}


def _reasoning(part: ContentPart, maker: str) -> "ContentBlockTypeDef | None":
    """Return reasoning that its maker wants back; without its signature it is refused."""
    match part:
        case ReasoningPart(reasoning=text, signature=str(signature)) if part.maker == maker:
            return {"reasoningContent": {"reasoningText": {"text": text, "signature": signature}}}
        case OmittedReasoningPart(signature=str(signature)) if part.maker == maker:
            return {"reasoningContent": {"reasoningText": {"text": "", "signature": signature}}}
        case RedactedReasoningPart(data=data) if part.maker == maker:
            return {"reasoningContent": {"redactedContent": binascii.a2b_base64(data)}}
        case _:
            return None


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


def _tool_use(call: ToolCall) -> "ContentBlockTypeDef":
    return {"toolUse": {"toolUseId": _tool_use_id(call.id), "name": call.name, "input": arguments_object(call)}}


def _tool_result(given: ToolReturn, *, has_status: bool) -> "ContentBlockTypeDef":
    text = given.text if given.text.strip() else NO_OUTPUT_TEXT
    content: list[ToolResultContentBlockTypeDef] = [{"text": text}]
    content += [{"image": image} for image in map(_image, given.images) if image]
    block: ContentBlockTypeDef = {"toolResult": {"toolUseId": _tool_use_id(given.tool_call_id), "content": content}}
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
