"""Log probabilities of an answer's tokens in the one shape that the API shows (letta_api_spec §3.10)."""

from collections.abc import Iterable, Mapping
from typing import Any

from nightshift.models.answer_fields import objects_at, text_at


def read_logprobs(found: object) -> dict[str, Any] | None:
    """Return a choice's `logprobs`; None when the server sent none, whatever it was asked."""
    if not isinstance(found, Mapping) or not isinstance(found.get("content"), list):
        return None
    refusal = found.get("refusal")
    return {
        "content": token_logprobs(objects_at(found, "content")),
        "refusal": token_logprobs(objects_at(found, "refusal")) if isinstance(refusal, list) else None,
    }


def token_logprobs(tokens: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each token with its alternatives, without what a server may add."""
    return [
        _token(token) | {"top_logprobs": [_token(one) for one in objects_at(token, "top_logprobs")]} for token in tokens
    ]


def _token(token: Mapping[str, Any]) -> dict[str, Any]:
    """Return one token; the logprob -9999.0 stands for one that is too unlikely to be told, as OpenAI has it."""
    logprob, octets = token.get("logprob"), token.get("bytes")
    return {
        "token": text_at(token, "token"),
        "logprob": float(logprob) if isinstance(logprob, int | float) else -9999.0,
        "bytes": list(octets) if isinstance(octets, list) else None,
    }
