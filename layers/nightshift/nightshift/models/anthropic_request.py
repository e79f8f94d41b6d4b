"""A `ModelRequest` in the words of Anthropic's Messages, with what they insist on.

Roles alternate and the first is the user's; no text is blank; results come first in the user message right after their
calls; a limit of the answer is a must; and with thinking on, an answer whose tools were just run begins with thinking.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import sha256
from typing import Any, Final

from nightshift.domain.content import (
    ContentPart,
    ImagePart,
    OmittedReasoningPart,
    ReasoningPart,
    RedactedReasoningPart,
    in_words,
)
from nightshift.domain.message import MessageDraft, Role, ToolCall, ToolReturn
from nightshift.models.alternation import NO_OUTPUT_TEXT, OPENING_TEXT, UNSPOKEN, by_turns
from nightshift.models.answer_fields import arguments_object
from nightshift.models.claude_thinking import budget_tokens, thinking_of
from nightshift.models.port import ModelRequest
from nightshift.models.unsayable import UNREADABLE_TEXT, is_unreadable

type Block = dict[str, Any]

DEFAULT_MAX_TOKENS = 8_192
"""Of an answer whose agent names no limit: Messages demand one, and every model still served can write as much."""

IMAGE_TYPES: Final = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})

_TOOL_USE_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")
_THINKING: Final = frozenset({"thinking", "redacted_thinking"})


def anthropic_request(request: ModelRequest, maker: str) -> Block:
    """Return the body; `maker` is whose reasoning goes back."""
    blocks = partial(_blocks, maker=maker)
    turns = by_turns(request.messages, blocks, {"type": "text", "text": OPENING_TEXT})
    body: Block = {
        "model": request.model,
        "max_tokens": request.max_tokens or DEFAULT_MAX_TOKENS,
        "messages": [{"role": speaker, "content": _results_first(said)} for speaker, said in turns],
    }
    if request.system.strip():
        # The prompt's beginning is the same in every step of a run: cached, it costs a tenth.
        body["system"] = [{"type": "text", "text": request.system, "cache_control": {"type": "ephemeral"}}]
    if request.temperature is not None:
        body["temperature"] = min(request.temperature, 1.0)
    body |= _tools(request)
    body |= _reasoning(request, body)
    return body


def _reasoning(request: ModelRequest, body: Block) -> Block:
    wanted = request.reasoning
    output = {"output_config": {"effort": wanted.effort}} if wanted.effort in {"low", "medium", "high", "max"} else {}
    if wanted.is_on is None or (wanted.is_on and not _may_think(body["messages"])):
        return output
    if not wanted.is_on:
        return output | {"thinking": {"type": "disabled"}}
    # Thinking is part of the answer, and takes no temperature but Claude's own.
    body.pop("temperature", None)
    limit = max(body["max_tokens"], budget_tokens(request) + 1_024)
    return output | {"thinking": thinking_of(request), "max_tokens": limit}


def _may_think(messages: Sequence[Block]) -> bool:
    """Tell whether thinking may be on: not in a tool loop that began without it, as with another provider."""
    answers = [message["content"] for message in messages if message["role"] == "assistant"]
    has_calls = bool(answers) and any(block["type"] == "tool_use" for block in answers[-1])
    return not has_calls or answers[-1][0]["type"] in _THINKING


def _blocks(draft: MessageDraft, *, maker: str) -> list[Block]:
    if draft.role in UNSPOKEN:
        return []
    content = list(_content(draft, maker))
    content += [_tool_use(call) for call in draft.tool_calls]
    content += [_tool_result(given) for given in draft.tool_returns]
    # An answer may not end in thinking, nor be nothing else.
    while content and content[-1]["type"] in _THINKING:
        content.pop()
    return content


def _results_first(blocks: list[Block]) -> list[Block]:
    """Return the results before what the user said: it may be told before the results are in, as with an approval."""
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")


def _content(draft: MessageDraft, maker: str) -> Iterator[Block]:
    """Yield the content's blocks in their order; pictures are the user's alone, elsewhere words stand for them."""
    is_models = draft.role is Role.ASSISTANT
    for part in draft.content:
        if is_models and (thought := _thought(part, maker)):
            yield thought
        elif not is_models and (image := _image(part)):
            yield image
        elif (words := in_words(part)).strip():
            yield {"type": "text", "text": words}
    if not is_models and is_unreadable(draft):
        yield {"type": "text", "text": UNREADABLE_TEXT}


def _thought(part: ContentPart, maker: str) -> Block | None:
    """Return thinking that its maker wants back, letter by letter; without its signature it is refused."""
    match part:
        case ReasoningPart(reasoning=text, signature=str(signature)) if part.maker == maker:
            return {"type": "thinking", "thinking": text, "signature": signature}
        case OmittedReasoningPart(signature=str(signature)) if part.maker == maker:
            return {"type": "thinking", "thinking": "", "signature": signature}
        case RedactedReasoningPart(data=data) if part.maker == maker:
            return {"type": "redacted_thinking", "data": data}
        case _:
            return None


def _image(part: ContentPart) -> Block | None:
    """Return a picture that is here and of a format that Messages take."""
    inline = part.inline if isinstance(part, ImagePart) else None
    media_type = inline.media_type.lower().replace("image/jpg", "image/jpeg") if inline else ""
    if inline is None or media_type not in IMAGE_TYPES:
        return None
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": inline.data}}


def _tool_use(call: ToolCall) -> Block:
    return {"type": "tool_use", "id": _tool_use_id(call.id), "name": call.name, "input": arguments_object(call)}


def _tool_result(given: ToolReturn) -> Block:
    text = given.text if given.text.strip() else NO_OUTPUT_TEXT
    content = [{"type": "text", "text": text}, *filter(None, map(_image, given.images))]
    result = {"type": "tool_result", "tool_use_id": _tool_use_id(given.tool_call_id), "content": content}
    return result | ({"is_error": True} if given.status == "error" else {})


def _tool_use_id(call_id: str) -> str:
    """Return the id, or a stand-in where another provider's does not fit the pattern."""
    return call_id if _TOOL_USE_ID.fullmatch(call_id) else sha256(call_id.encode()).hexdigest()[:32]


def _tools(request: ModelRequest) -> Block:
    """Return the tools offered, and by name those that only the history mentions: they have to be declared."""
    offered = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.parameters} for tool in request.tools
    ]
    if not offered:
        mentioned = sorted({call.name for message in request.messages for call in message.draft.tool_calls})
        empty = {"type": "object", "properties": {}}
        tools = [{"name": name, "description": "No longer available.", "input_schema": empty} for name in mentioned]
        return {"tools": tools} if tools else {}
    choice = _tool_choice(request)
    return {"tools": offered} | ({"tool_choice": choice} if choice else {})


def _tool_choice(request: ModelRequest) -> Block:
    one_at_a_time = {"disable_parallel_tool_use": True} if request.parallel_tool_calls is False else {}
    match request.tool_choice:
        case None | "auto":
            return {"type": "auto", **one_at_a_time} if one_at_a_time else {}
        # With thinking on, a call can't be forced.
        case _ if request.reasoning.is_on:
            return {"type": "auto", **one_at_a_time}
        case "required":
            return {"type": "any", **one_at_a_time}
        case name:
            return {"type": "tool", "name": name, **one_at_a_time}
