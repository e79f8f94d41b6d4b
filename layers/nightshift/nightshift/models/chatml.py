"""ChatML, the form in which Qwen and many others are trained: a prompt written out, and an answer read from its text.

<|im_start|>system … <|im_end|>          tools as JSON Schema within <tools>
<|im_start|>assistant <think>…</think> text <tool_call>{"name": …, "arguments": {…}}</tool_call> <|im_end|>
<|im_start|>user <tool_response>…</tool_response> <|im_end|>
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from nightshift.domain.content import in_words
from nightshift.domain.ids import new_otid
from nightshift.domain.message import ContentPart, MessageDraft, ReasoningPart, Role, TextPart, ToolCall, Usage
from nightshift.models.answer_fields import (
    MalformedAnswerError,
    arguments_object,
    count_at,
    object_at,
    require_object,
    text_at,
)
from nightshift.models.port import Finish, ModelAnswer, ModelRequest, TokenTrace

END_OF_TURN: Final = "<|im_end|>"

_MARK: Final = re.compile(r"<\|im_(?:start|end)\|>")
_CALL: Final = re.compile(r"<tool_call>\s*(.*?)\s*(?:</tool_call>|$)", re.DOTALL)
_THOUGHT: Final = re.compile(r"^\s*(?:<think>)?(.*?)</think>\s*", re.DOTALL)
_TOOLS: Final = """\n
# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""
"""The words that Qwen's own template puts before the tools."""


def write_chatml(request: ModelRequest) -> str:
    """Return the prompt; what users write can't end their turn, for the marks are taken out of it."""
    tools = [
        {"type": "function", "function": {"name": t.name, "description": t.description, "parameters": t.parameters}}
        for t in request.tools
    ]
    listed = _TOOLS.format(tools="\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools)) if tools else ""
    opening = _turn("system", (request.system + listed).strip()) if request.system.strip() or tools else ""
    said = "".join(_turn(*turn) for turn in map(_speaker_and_text, (one.draft for one in request.messages)) if turn)
    closed = "<think>\n\n</think>\n\n" if request.reasoning.is_on is False else ""
    return f"{opening}{said}<|im_start|>assistant\n{closed}"


def _turn(speaker: str, text: str) -> str:
    return f"<|im_start|>{speaker}\n{_MARK.sub('', text)}{END_OF_TURN}\n"


def _speaker_and_text(draft: MessageDraft) -> tuple[str, str] | None:
    words = "\n".join(text for part in draft.content if (text := in_words(part)).strip())
    match draft.role:
        case Role.APPROVAL | Role.EVENT:
            return None
        case Role.TOOL:
            returned = (f"<tool_response>\n{given.text}\n</tool_response>" for given in draft.tool_returns)
            return "user", "\n".join(returned)
        case Role.ASSISTANT:
            called = (
                f"<tool_call>\n{json.dumps({'name': call.name, 'arguments': arguments_object(call)})}\n</tool_call>"
                for call in draft.tool_calls
            )
            return "assistant", "\n".join(filter(None, (words, *called)))
        case Role.SYSTEM:
            return ("system", words) if words else None
        case Role.USER | Role.SUMMARY:
            return ("user", words) if words else None


def read_chatml_answer(body: Mapping[str, Any], request_id: str | None, maker: str) -> ModelAnswer:
    """Translate an answer of SGLang's `/generate`; `maker` is of its reasoning.

    Raises:
        MalformedAnswerError: not an answer of `/generate`.
    """
    meta = require_object(body.get("meta_info"), "meta_info")
    thought, said, calls = _split(text_at(body, "text").removesuffix(END_OF_TURN))
    content: tuple[ContentPart, ...] = (ReasoningPart(thought, maker=maker),) if thought else ()
    tokens = _tokens(body, meta)
    is_cut = text_at(object_at(meta, "finish_reason"), "type") == "length"
    return ModelAnswer(
        content=content + ((TextPart(said),) if said else ()),
        tool_calls=calls,
        finish=Finish.LENGTH if is_cut else Finish.TOOL_CALLS if calls else Finish.STOP,
        usage=_usage(meta),
        request_id=request_id or text_at(meta, "id") or None,
        logprobs=_logprobs(tokens, meta),
        tokens=tokens,
    )


def _split(text: str) -> tuple[str, str, tuple[ToolCall, ...]]:
    """Return thought, words and tool calls."""
    found = _THOUGHT.match(text)
    rest = text[found.end() :] if found else text
    calls = tuple(_tool_call(match[1]) for match in _CALL.finditer(rest))
    return (found[1].strip() if found else ""), _CALL.sub("", rest).strip(), calls


def _tool_call(text: str) -> ToolCall:
    """Read a call; one that can't be read is one of a tool that nobody offers, so that the model learns of it."""
    try:
        parsed = json.loads(text)
    except ValueError:
        parsed = None
    call = parsed if isinstance(parsed, dict) else {}
    name = call.get("name")
    arguments = json.dumps(call.get("arguments", {}), ensure_ascii=False) if call else text
    return ToolCall(f"call_{new_otid()}", name if isinstance(name, str) and name else "unreadable_call", arguments)


def _tokens(body: Mapping[str, Any], meta: Mapping[str, Any]) -> TokenTrace:
    triples = meta.get("output_token_logprobs") or []
    if not isinstance(triples, list) or not all(isinstance(one, list) and len(one) > 1 for one in triples):
        raise MalformedAnswerError("expected output_token_logprobs to be a list of lists")
    logprobs = tuple((float(one[0] or 0.0), int(one[1]), _text_of(one)) for one in triples)
    listed = body.get("output_ids")
    own = listed if isinstance(listed, list) else [token for _, token, _ in logprobs]
    return TokenTrace(tuple(int(token) for token in own), logprobs)


def _text_of(triple: list[Any]) -> str | None:
    return triple[2] if len(triple) > 2 and isinstance(triple[2], str) else None


def _logprobs(tokens: TokenTrace, meta: Mapping[str, Any]) -> dict[str, Any] | None:
    if not tokens.logprobs:
        return None
    alternatives = meta.get("output_top_logprobs")
    rows = alternatives if isinstance(alternatives, list) else []
    content = [
        _shown((logprob, token, text)) | {"top_logprobs": _alternatives(rows[place] if place < len(rows) else None)}
        for place, (logprob, token, text) in enumerate(tokens.logprobs)
    ]
    return {"content": content, "refusal": None}


def _alternatives(row: object) -> list[dict[str, Any]]:
    return [_shown(one) for one in row if len(one) > 1] if isinstance(row, list) else []


def _shown(triple: Iterable[Any]) -> dict[str, Any]:
    logprob, token, *rest = triple
    text = rest[0] if rest and isinstance(rest[0], str) else f"<{token}>"
    return {"token": text, "logprob": float(logprob or 0.0), "bytes": list(text.encode()) if rest and rest[0] else None}


def _usage(meta: Mapping[str, Any]) -> Usage:
    prompt, completion = count_at(meta, "prompt_tokens"), count_at(meta, "completion_tokens")
    return Usage(prompt, completion, prompt + completion, cached_input_tokens=count_at(meta, "cached_tokens"))
