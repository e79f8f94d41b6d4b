"""Anthropic's Messages, as strict about requests as Anthropic itself."""

import json
import uuid
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from support.scripted_model.answers import ErrorReply, Reply
from support.scripted_model.seen import SeenRequest, Turn
from support.scripted_model.wire import violation_of_returns

_ERROR_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_STOP_REASONS: Final = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "filtered": "refusal"}
_THINKING: Final = ("thinking", "redacted_thinking")
_FOREIGN_BLOCKS: Final = {"user": {"tool_use", *_THINKING}, "assistant": {"tool_result", "image"}}
_IMAGE_TYPES: Final = ("image/gif", "image/jpeg", "image/png", "image/webp")
_TEXTS: Final = {"text": "text", "thinking": "signature", "redacted_thinking": "data"}
"""Type of a block to its field that must not be blank."""


class AnthropicMessages:
    """`POST /v1/messages`, without streaming."""

    name = "messages"

    def serves(self, path: str) -> bool:
        return path.endswith("/messages")

    def model_of(self, path: str, body: Mapping[str, Any]) -> str:
        return str(body.get("model", ""))

    def find_violation(self, body: Mapping[str, Any]) -> str | None:
        messages = body.get("messages")
        if not body.get("model") or not isinstance(body.get("max_tokens"), int):
            return "model and max_tokens: Field required"
        if not isinstance(messages, list) or not messages:
            return "messages: at least one message is required"
        if messages[0].get("role") != "user":
            return "messages: first message must use the user role"
        found = (_violation_of_message(number, message) for number, message in enumerate(messages))
        return next(filter(None, found), None) or _violation_of_whole(body, self.read_turns(body))

    def read_turns(self, body: Mapping[str, Any]) -> Sequence[Turn]:
        system = [Turn("system", block["text"]) for block in body.get("system", ())]
        return [*system, *(_turn(message) for message in body["messages"])]

    def render_reply(self, reply: Reply, seen: SeenRequest) -> Mapping[str, Any]:
        finish = reply.finish or ("tool_calls" if reply.tool_calls else "stop")
        return {
            "id": f"msg_{uuid.uuid4().hex[:24]}",
            "type": "message",
            "role": "assistant",
            "model": seen.model,
            "content": _content(reply),
            "stop_reason": _STOP_REASONS[finish],
            "stop_sequence": None,
            "usage": _usage(reply),
        }

    def render_error(self, error: ErrorReply) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        kind = error.code or _ERROR_TYPES.get(error.status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": error.message}}, {}


def _violation_of_message(number: int, message: Any) -> str | None:
    place, role, blocks = f"messages.{number}", message.get("role"), message.get("content")
    if role not in _FOREIGN_BLOCKS:
        return f"{place}.role: unexpected role"
    if not isinstance(blocks, list) or not blocks:
        return f"{place}: all messages must have non-empty content"
    if any(block["type"] in _TEXTS and not block.get(_TEXTS[block["type"]], "").strip() for block in blocks):
        return f"{place}: content blocks must be non-empty"
    if any(block["type"] in _FOREIGN_BLOCKS[role] for block in blocks):
        return f"{place}: a block that is not of the role {role}"
    if blocks[-1]["type"] in _THINKING:
        return f"{place}: The final block in an assistant message cannot be `thinking`."
    return _violation_of_results(place, blocks)


def _violation_of_results(place: str, blocks: Sequence[Mapping[str, Any]]) -> str | None:
    kinds = [block["type"] == "tool_result" for block in blocks]
    if any(later and not earlier for earlier, later in pairwise(kinds)):
        return f"{place}: tool_result blocks must come first"
    inner = [part for block in blocks if block["type"] == "tool_result" for part in block["content"]]
    images = [block for block in (*blocks, *inner) if block["type"] == "image"]
    if any(image["source"]["media_type"] not in _IMAGE_TYPES for image in images):
        return f"{place}: image media type is not supported"
    return None


def _violation_of_whole(body: Mapping[str, Any], turns: Sequence[Turn]) -> str | None:
    if any(turn.tool_calls or turn.tool_returns for turn in turns) and not body.get("tools"):
        return "Requests which include `tool_use` or `tool_result` blocks must define tools"
    return violation_of_returns(turns) or _violation_of_thinking(body)


def _violation_of_thinking(body: Mapping[str, Any]) -> str | None:
    thinking = body.get("thinking", {})
    if thinking.get("type") not in {"enabled", "adaptive"}:
        return None
    if body.get("temperature", 1) != 1:
        return "`temperature` may only be set to 1 when thinking is enabled"
    if thinking["type"] == "enabled" and not 1_024 <= thinking["budget_tokens"] < body["max_tokens"]:
        return "`max_tokens` must be greater than `thinking.budget_tokens`, which must be at least 1024"
    answers = [message["content"] for message in body["messages"] if message["role"] == "assistant"]
    has_calls = bool(answers) and any(block["type"] == "tool_use" for block in answers[-1])
    if has_calls and answers[-1][0]["type"] not in _THINKING:
        return "Expected `thinking` or `redacted_thinking`, but found `tool_use`."
    return None


def _turn(message: Mapping[str, Any]) -> Turn:
    blocks = message["content"]
    return Turn(
        message["role"],
        "\n".join(block["text"] for block in blocks if block["type"] == "text"),
        tuple(block["id"] for block in blocks if block["type"] == "tool_use"),
        tuple(block["tool_use_id"] for block in blocks if block["type"] == "tool_result"),
    )


def _content(reply: Reply) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if reply.reasoning or reply.reasoning_signature:
        signature = reply.reasoning_signature or ""
        blocks.append({"type": "thinking", "thinking": reply.reasoning, "signature": signature})
    if reply.redacted_reasoning:
        blocks.append({"type": "redacted_thinking", "data": reply.redacted_reasoning})
    if reply.text:
        blocks.append({"type": "text", "text": reply.text})
    for call in reply.tool_calls:
        call_id = call.id or f"toolu_{uuid.uuid4().hex[:22]}"
        blocks.append({"type": "tool_use", "id": call_id, "name": call.name, "input": json.loads(call.arguments)})
    return blocks


def _usage(reply: Reply) -> dict[str, Any]:
    tokens = reply.tokens
    return {
        "input_tokens": tokens.prompt - tokens.cached - tokens.cache_write,
        "cache_read_input_tokens": tokens.cached,
        "cache_creation_input_tokens": tokens.cache_write,
        "output_tokens": tokens.completion,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
    }
