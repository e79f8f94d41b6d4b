"""OpenAI Chat Completions, as strict about requests as OpenAI itself."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from support.scripted_model.answers import Call, ErrorReply, Reply
from support.scripted_model.seen import SeenRequest, Turn
from support.scripted_model.tokens import logprobs_of
from support.scripted_model.wire import violation_of_returns

_ROLES: Final = frozenset({"system", "developer", "user", "assistant", "tool"})
_ERROR_TYPES: Final = {
    401: "authentication_error",
    402: "insufficient_credits",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}
_FINISHES: Final = {"stop": "stop", "length": "length", "tool_calls": "tool_calls", "filtered": "content_filter"}


class ChatCompletions:
    """`POST …/chat/completions`, without streaming."""

    name = "chat_completions"

    def serves(self, path: str) -> bool:
        return path.endswith("/chat/completions")

    def model_of(self, path: str, body: Mapping[str, Any]) -> str:
        return str(body.get("model", ""))

    def find_violation(self, body: Mapping[str, Any]) -> str | None:
        messages = body.get("messages")
        if not body.get("model"):
            return "you must provide a model parameter"
        if body.get("stream"):
            return "this server does not stream"
        if body.get("top_logprobs") is not None and not body.get("logprobs"):
            return "top_logprobs needs logprobs to be true"
        if not isinstance(messages, list) or not messages:
            return "expected messages to be an array with at least one element"
        found = (_violation_of_message(number, message) for number, message in enumerate(messages))
        return next(filter(None, found), None) or violation_of_returns(self.read_turns(body))

    def read_turns(self, body: Mapping[str, Any]) -> Sequence[Turn]:
        return [_turn(message) for message in body["messages"]]

    def render_reply(self, reply: Reply, seen: SeenRequest) -> Mapping[str, Any]:
        finish = reply.finish or ("tool_calls" if reply.tool_calls else "stop")
        choice = {"index": 0, "message": _message(reply), "finish_reason": _FINISHES[finish], "logprobs": None}
        if seen.body.get("logprobs"):
            choice["logprobs"] = {"content": logprobs_of(reply.text, seen.body.get("top_logprobs", 0)), "refusal": None}
        return {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion",
            "created": 1_700_000_000,
            "model": seen.model,
            "choices": [choice],
            "usage": _usage(reply),
        }

    def render_error(self, error: ErrorReply) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        kind = _ERROR_TYPES.get(error.status, "server_error" if error.status >= 500 else "invalid_request_error")
        return {"error": {"message": error.message, "type": kind, "param": None, "code": error.code or None}}, {}


def _violation_of_message(number: int, message: Any) -> str | None:
    place = f"messages[{number}]"
    if not isinstance(message, dict) or message.get("role") not in _ROLES:
        return f"invalid value for '{place}.role'"
    content, calls = message.get("content"), message.get("tool_calls")
    if calls is not None and (message["role"] != "assistant" or not calls):
        return f"'{place}.tool_calls' must be a non-empty array of an assistant's message"
    if content is None:
        return None if calls else f"invalid value for '{place}.content': expected a string, got null"
    if not isinstance(content, str | list):
        return f"invalid type for '{place}.content'"
    if message["role"] == "tool" and not message.get("tool_call_id"):
        return f"missing required parameter: '{place}.tool_call_id'"
    return _violation_of_calls(place, calls or ())


def _violation_of_calls(place: str, calls: Sequence[Mapping[str, Any]]) -> str | None:
    for call in calls:
        function = call.get("function", {})
        if call.get("type") != "function" or not call.get("id") or not function.get("name"):
            return f"invalid tool call in '{place}'"
        if not isinstance(function.get("arguments"), str):
            return f"invalid type for '{place}.tool_calls.function.arguments': expected a string"
    return None


def _turn(message: Mapping[str, Any]) -> Turn:
    answered = (message["tool_call_id"],) if message["role"] == "tool" else ()
    calls = tuple(call["id"] for call in message.get("tool_calls") or ())
    role = "system" if message["role"] == "developer" else message["role"]
    return Turn(role, _text(message.get("content")), calls, answered)


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content)
    return content or ""


def _message(reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.tool_calls:
        message["tool_calls"] = [_call(call) for call in reply.tool_calls]
    return message


def _call(call: Call) -> dict[str, Any]:
    call_id = f"call_{uuid.uuid4().hex[:24]}" if call.id is None else call.id
    return {"id": call_id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _usage(reply: Reply) -> dict[str, Any]:
    tokens = reply.tokens
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": tokens.prompt + tokens.completion,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning, "audio_tokens": 0},
    }
