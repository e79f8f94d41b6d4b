"""OpenAI's Responses, as strict about requests as OpenAI itself."""

import uuid
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from support.scripted_model.answers import ErrorReply, Reply
from support.scripted_model.chat_completions import ChatCompletions
from support.scripted_model.seen import SeenRequest, Turn
from support.scripted_model.tokens import logprobs_of
from support.scripted_model.wire import violation_of_returns

_INCLUDABLE: Final = frozenset({"reasoning.encrypted_content", "message.output_text.logprobs"})
_PART_TYPES: Final = {
    "user": {"input_text", "input_image"},
    "developer": {"input_text", "input_image"},
    "assistant": {"output_text", "refusal"},
}
_REQUIRED: Final = {
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id",),
    "reasoning": ("id", "encrypted_content"),
}
"""Type of an item to what must not be empty; reasoning of a response that was not stored lives by what is encrypted."""


class Responses:
    """`POST …/responses`, without streaming and without a memory."""

    name = "responses"

    def serves(self, path: str) -> bool:
        return path.endswith("/responses")

    def model_of(self, path: str, body: Mapping[str, Any]) -> str:
        return str(body.get("model", ""))

    def find_violation(self, body: Mapping[str, Any]) -> str | None:
        items = body.get("input")
        if not isinstance(items, list) or not items:
            return "expected input to be an array with at least one element"
        if body.get("store") is not False or not set(body.get("include", ())) <= _INCLUDABLE:
            return "this server stores nothing, and includes what it knows"
        if any(tool.get("type") != "function" or not tool.get("name") for tool in body.get("tools", ())):
            return "missing required parameter: 'tools[0].name'"
        found = (_violation_of_item(number, item) for number, item in enumerate(items))
        return next(filter(None, found), None) or _violation_of_order(items) or violation_of_returns(_turns(items))

    def read_turns(self, body: Mapping[str, Any]) -> Sequence[Turn]:
        system = [Turn("system", body["instructions"])] if body.get("instructions") else []
        return [*system, *_turns(body["input"])]

    def render_reply(self, reply: Reply, seen: SeenRequest) -> Mapping[str, Any]:
        reasons = {"length": "max_output_tokens", "filtered": "content_filter"}
        reason = reasons.get(reply.finish or "")
        return {
            "id": f"resp_{uuid.uuid4().hex}",
            "object": "response",
            "created_at": 1_700_000_000,
            "status": "incomplete" if reason else "completed",
            "incomplete_details": {"reason": reason} if reason else None,
            "model": seen.model,
            "output": _output(reply, seen.body),
            "usage": _usage(reply),
        }

    def render_error(self, error: ErrorReply) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        return ChatCompletions().render_error(error)


def _violation_of_item(number: int, item: Mapping[str, Any]) -> str | None:
    place, kind = f"input[{number}]", item.get("type", "message")
    if kind == "message":
        allowed = _PART_TYPES.get(item.get("role", ""), set())
        parts = item.get("content") or [{}]
        return None if all(part.get("type") in allowed for part in parts) else f"invalid value: '{place}.content'"
    if kind not in _REQUIRED:
        return f"invalid value: '{place}.type'"
    return next((f"missing '{place}.{name}'" for name in _REQUIRED[kind] if not item.get(name)), None)


def _violation_of_order(items: Sequence[Mapping[str, Any]]) -> str | None:
    """Return a thought that nothing followed: it must stand right before the item that it led to."""
    for item, following in zip(items, [*items[1:], {}], strict=True):
        follows = following.get("type") in {"reasoning", "function_call"} or following.get("role") == "assistant"
        if item["type"] == "reasoning" and not follows:
            return f"Item '{item['id']}' of type 'reasoning' was provided without its required following item."
    return None


def _turns(items: Sequence[Mapping[str, Any]]) -> list[Turn]:
    """Return the turns; what a model said in several items is one."""
    turns = []
    for role, group in groupby(items, _role):
        members = list(group)
        turns += [_turn(role, members)] if role == "assistant" else [_turn(role, [member]) for member in members]
    return turns


def _role(item: Mapping[str, Any]) -> str:
    if item["type"] == "message":
        return "system" if item["role"] == "developer" else str(item["role"])
    return "tool" if item["type"] == "function_call_output" else "assistant"


def _turn(role: str, items: Sequence[Mapping[str, Any]]) -> Turn:
    parts = [part for item in items if item["type"] == "message" for part in item["content"]]
    return Turn(
        role,
        "\n".join(part["text"] for part in parts if "text" in part),
        tuple(item["call_id"] for item in items if item["type"] == "function_call"),
        tuple(item["call_id"] for item in items if item["type"] == "function_call_output"),
    )


def _output(reply: Reply, body: Mapping[str, Any]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if reply.reasoning or reply.reasoning_signature:
        summary = [{"type": "summary_text", "text": reply.reasoning}] if reply.reasoning else []
        encrypted = reply.reasoning_signature
        items.append(
            {"type": "reasoning", "id": f"rs_{uuid.uuid4().hex}", "summary": summary, "encrypted_content": encrypted}
        )
    if reply.text:
        part: dict[str, Any] = {"type": "output_text", "text": reply.text, "annotations": []}
        if "message.output_text.logprobs" in body.get("include", ()):
            part["logprobs"] = logprobs_of(reply.text, body.get("top_logprobs", 0))
        items.append({"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]})
    for call in reply.tool_calls:
        call_id = call.id or f"call_{uuid.uuid4().hex[:24]}"
        fields = {"call_id": call_id, "name": call.name, "arguments": call.arguments}
        items.append({"type": "function_call", "id": f"fc_{uuid.uuid4().hex}", "status": "completed", **fields})
    return items


def _usage(reply: Reply) -> dict[str, Any]:
    tokens = reply.tokens
    return {
        "input_tokens": tokens.prompt,
        "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.cache_write},
        "output_tokens": tokens.completion,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.prompt + tokens.completion,
    }
