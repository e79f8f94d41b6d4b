"""A `ModelRequest` in the words of OpenAI's Responses: a list of items instead of messages with parts."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from nightshift.domain.content import Base64Image, ContentPart, ImagePart, SummarizedReasoningPart, in_words
from nightshift.domain.message import MessageDraft, Role, ToolCall, ToolReturn
from nightshift.models.answer_fields import arguments_object
from nightshift.models.port import ModelRequest
from nightshift.models.reasoning_effort import effort_at_openai, reasons
from nightshift.models.unsayable import UNREADABLE_TEXT, is_unreadable

type Item = dict[str, Any]

MAKER: Final = "openai-responses"
"""Of reasoning that Responses encrypted, whichever handle led there."""

_DETAILS: Final = frozenset({"low", "high", "auto"})


def responses_request(request: ModelRequest) -> Item:
    """Return the body, without what is to be left to the provider."""
    body: Item = {
        "model": request.model,
        "input": [item for message in request.messages for item in _items(message.draft)],
        "instructions": request.system if request.system.strip() else None,
        "max_output_tokens": request.max_tokens,
        "temperature": None if reasons(request.model) else request.temperature,
        "reasoning": _reasoning(request),
        "text": _text_format(request),
        "top_logprobs": request.top_logprobs,
        "include": _include(request),
        # Nothing stays with the provider, so the thoughts have to come along, encrypted.
        "store": False,
        **_tools(request),
    }
    return {name: value for name, value in body.items() if value is not None}


def _include(request: ModelRequest) -> list[str]:
    logprobs = ["message.output_text.logprobs"] if request.top_logprobs is not None else []
    return ["reasoning.encrypted_content", *logprobs]


def _reasoning(request: ModelRequest) -> Item | None:
    if not reasons(request.model):
        return None
    effort = effort_at_openai(request)
    return {"summary": "auto"} | ({"effort": effort} if effort else {})


def _text_format(request: ModelRequest) -> Item | None:
    match request.response_format:
        case {"type": "json_schema", "json_schema": dict(schema)}:
            return {"format": {"type": "json_schema", **schema}}
        case {"type": "json_object"}:
            return {"format": {"type": "json_object"}}
        case _:
            return None


def _tools(request: ModelRequest) -> Item:
    tools = [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.parameters,
            "strict": False,
        }
        for tool in request.tools
    ]
    if not tools:
        return {}
    return {"tools": tools, "tool_choice": _choice(request), "parallel_tool_calls": request.parallel_tool_calls}


def _choice(request: ModelRequest) -> Any:
    is_word = request.tool_choice in {None, "auto", "required"}
    return request.tool_choice if is_word else {"type": "function", "name": request.tool_choice}


def _items(draft: MessageDraft) -> list[Item]:
    match draft.role:
        case Role.TOOL:
            return [_output(given) for given in draft.tool_returns]
        case Role.ASSISTANT:
            return list(_answer(draft))
        case Role.USER | Role.SUMMARY | Role.SYSTEM:
            role = "developer" if draft.role is Role.SYSTEM else "user"
            shown = list(_shown(draft.content)) or (
                [{"type": "input_text", "text": UNREADABLE_TEXT}] if is_unreadable(draft) else []
            )
            return [{"type": "message", "role": role, "content": shown}] if shown else []
        case Role.APPROVAL | Role.EVENT:
            # What an approval brings is told by the tool's return, and an event is for clients.
            return []


def _answer(draft: MessageDraft) -> Iterator[Item]:
    """Yield what the model said, in its order; a thought stands right before what it led to, or is left out."""
    thoughts: list[Item] = []
    for part in draft.content:
        if thought := _thought(part):
            thoughts.append(thought)
        elif (words := in_words(part)).strip():
            yield from thoughts
            thoughts.clear()
            yield {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": words}]}
    if draft.tool_calls:
        yield from thoughts
    yield from map(_call, draft.tool_calls)


def _thought(part: ContentPart) -> Item | None:
    if not isinstance(part, SummarizedReasoningPart) or part.maker != MAKER or not part.encrypted_content:
        return None
    summary = [{"type": "summary_text", "text": paragraph.text} for paragraph in part.summary]
    return {
        "type": "reasoning",
        "id": part.id,
        "summary": summary,
        "encrypted_content": part.encrypted_content,
    }


def _call(call: ToolCall) -> Item:
    arguments = json.dumps(arguments_object(call), ensure_ascii=False)
    return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments}


def _output(given: ToolReturn) -> Item:
    images = list(filter(None, map(_image, given.images)))
    output = [{"type": "input_text", "text": given.text}, *images] if images else given.text
    return {"type": "function_call_output", "call_id": given.tool_call_id, "output": output}


def _shown(content: Iterable[ContentPart]) -> Iterator[Item]:
    for part in content:
        if image := _image(part):
            yield image
        elif (words := in_words(part)).strip():
            yield {"type": "input_text", "text": words}


def _image(part: ContentPart) -> Item | None:
    """Return a picture that is here; an address is nothing for a provider, which would fetch it without our guard."""
    match part:
        case ImagePart(inline=Base64Image() as inline):
            detail = inline.detail if inline.detail in _DETAILS else "auto"
            address = f"data:{inline.media_type};base64,{inline.data}"
            return {"type": "input_image", "image_url": address, "detail": detail}
        case _:
            return None
