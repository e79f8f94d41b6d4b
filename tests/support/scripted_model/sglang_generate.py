"""SGLang's native `/generate`: a prompt written out in ChatML, and an answer with the ids of its tokens."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from support.scripted_model.answers import ErrorReply, Reply
from support.scripted_model.seen import SeenRequest, Turn
from support.scripted_model.tokens import id_of, logprob_of, tokens_of

_TURN: Final = re.compile(r"<\|im_start\|>(?P<role>\w+)\n(?P<text>.*?)<\|im_end\|>\n", re.DOTALL)
_OPEN_TURN: Final = "<|im_start|>assistant\n"


class SGLangGenerate:
    """`POST /generate`, without streaming. A server has one model, which no request names."""

    name = "generate"

    def serves(self, path: str) -> bool:
        return path == "/generate"

    def model_of(self, path: str, body: Mapping[str, Any]) -> str:
        return ""

    def find_violation(self, body: Mapping[str, Any]) -> str | None:
        text, sampling = body.get("text"), body.get("sampling_params")
        if not isinstance(text, str) or not isinstance(sampling, dict):
            return "text and sampling_params are required"
        rest = _TURN.sub("", text)
        if not rest.startswith(_OPEN_TURN) or rest.count("<|im_start|>") != 1 or "<|im_end|>" in rest:
            return "the prompt is not ChatML that waits for the assistant"
        if sampling.get("max_new_tokens", 1) < 1:
            return "max_new_tokens must be positive"
        return None

    def read_turns(self, body: Mapping[str, Any]) -> Sequence[Turn]:
        return [Turn(match["role"], match["text"]) for match in _TURN.finditer(body["text"])]

    def render_reply(self, reply: Reply, seen: SeenRequest) -> Mapping[str, Any]:
        text = _text(reply)
        tokens = tokens_of(text)
        triples = [[logprob_of(place), id_of(token), token] for place, token in enumerate(tokens)]
        alternatives = seen.body.get("top_logprobs_num", 0)
        meta = {
            "id": uuid.uuid4().hex,
            "finish_reason": {"type": "length" if reply.finish == "length" else "stop"},
            "prompt_tokens": reply.tokens.prompt,
            "completion_tokens": len(tokens),
            "cached_tokens": reply.tokens.cached,
            "output_token_logprobs": triples,
        }
        if alternatives:
            meta["output_top_logprobs"] = [[[-5.0, 7, f"{token}?"]] * alternatives for token in tokens]
        return {"text": text, "output_ids": [id_of(token) for token in tokens], "meta_info": meta}

    def render_error(self, error: ErrorReply) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        return {"error": {"message": error.message}}, {}


def _text(reply: Reply) -> str:
    thought = f"<think>\n{reply.reasoning}\n</think>\n\n" if reply.reasoning else ""
    calls = (
        f"<tool_call>\n{json.dumps({'name': call.name, 'arguments': json.loads(call.arguments)})}\n</tool_call>"
        for call in reply.tool_calls
    )
    return thought + "\n".join(filter(None, (reply.text, *calls)))
