"""Bedrock's Converse over HTTP, as strict about requests as Bedrock is with Claude behind it."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from support.scripted_model.answers import ErrorReply, Reply
from support.scripted_model.seen import SeenRequest, Turn
from support.scripted_model.wire import violation_of_returns

_PATH: Final = re.compile(r"^/model/(?P<model>.+)/converse$")
_ERROR_TYPES: Final = {
    400: "ValidationException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
_STOP_REASONS: Final = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "filtered": "content_filtered",
}


class Converse:
    """`POST /model/{modelId}/converse`."""

    name = "converse"

    def serves(self, path: str) -> bool:
        return _PATH.match(path) is not None

    def model_of(self, path: str, body: Mapping[str, Any]) -> str:
        match = _PATH.match(path)
        return unquote(match["model"]) if match else ""

    def find_violation(self, body: Mapping[str, Any]) -> str | None:
        messages = body.get("messages") or []
        roles = [message.get("role") for message in messages]
        if not roles or roles[0] != "user":
            return "A conversation must start with a user message."
        if any(role != ("user", "assistant")[number % 2] for number, role in enumerate(roles)):
            return "A conversation must alternate between user and assistant roles."
        found = (_violation_of_content(message.get("content")) for message in messages)
        return next(filter(None, found), None) or self._violation_of_tools(body)

    def read_turns(self, body: Mapping[str, Any]) -> Sequence[Turn]:
        system = [Turn("system", block.get("text", "")) for block in body.get("system", ())]
        return [*system, *(_turn(message) for message in body["messages"])]

    def render_reply(self, reply: Reply, seen: SeenRequest) -> Mapping[str, Any]:
        finish = reply.finish or ("tool_calls" if reply.tool_calls else "stop")
        return {
            "output": {"message": {"role": "assistant", "content": _content(reply)}},
            "stopReason": _STOP_REASONS[finish],
            "usage": _usage(reply),
            "metrics": {"latencyMs": 1},
        }

    def render_error(self, error: ErrorReply) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        code = error.code or _ERROR_TYPES.get(error.status, "InternalServerException")
        return {"message": error.message}, {"x-amzn-ErrorType": code}

    def _violation_of_tools(self, body: Mapping[str, Any]) -> str | None:
        turns = self.read_turns(body)
        if any(turn.tool_calls or turn.tool_returns for turn in turns) and not body.get("toolConfig", {}).get("tools"):
            return "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        return violation_of_returns(turns) or _violation_of_thinking(body)


def _violation_of_content(blocks: Any) -> str | None:
    if not isinstance(blocks, list) or not blocks:
        return "The content field in the Message object is empty."
    if any("text" in block and not block["text"].strip() for block in blocks):
        return "The text field in the ContentBlock object is blank."
    if "reasoningContent" in blocks[-1]:
        return "The final block in an assistant message cannot be thinking."
    thoughts = [block["reasoningContent"] for block in blocks if "reasoningContent" in block]
    if any("redactedContent" not in one and not one["reasoningText"].get("signature") for one in thoughts):
        return "thinking.signature: Field required"
    return None


def _violation_of_thinking(body: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a tool loop that goes on with thinking switched on."""
    extra = body.get("additionalModelRequestFields", {})
    answers = [message["content"] for message in body["messages"] if message["role"] == "assistant"]
    if "thinking" not in extra or not answers or not any("toolUse" in block for block in answers[-1]):
        return None
    return None if "reasoningContent" in answers[-1][0] else "Expected `thinking`, but found `tool_use`."


def _turn(message: Mapping[str, Any]) -> Turn:
    blocks = message["content"]
    return Turn(
        message["role"],
        "\n".join(block["text"] for block in blocks if "text" in block),
        tuple(block["toolUse"]["toolUseId"] for block in blocks if "toolUse" in block),
        tuple(block["toolResult"]["toolUseId"] for block in blocks if "toolResult" in block),
    )


def _content(reply: Reply) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if reply.reasoning or reply.reasoning_signature:
        thought = {"text": reply.reasoning, "signature": reply.reasoning_signature}
        blocks.append({"reasoningContent": {"reasoningText": thought}})
    if reply.redacted_reasoning:
        blocks.append({"reasoningContent": {"redactedContent": reply.redacted_reasoning}})
    if reply.text:
        blocks.append({"text": reply.text})
    for call in reply.tool_calls:
        call_id = call.id or f"tooluse_{uuid.uuid4().hex[:22]}"
        blocks.append({"toolUse": {"toolUseId": call_id, "name": call.name, "input": json.loads(call.arguments)}})
    return blocks


def _usage(reply: Reply) -> dict[str, int]:
    tokens = reply.tokens
    uncached = tokens.prompt - tokens.cached - tokens.cache_write
    return {
        "inputTokens": uncached,
        "outputTokens": tokens.completion,
        "totalTokens": tokens.prompt + tokens.completion,
        "cacheReadInputTokens": tokens.cached,
        "cacheWriteInputTokens": tokens.cache_write,
    }
