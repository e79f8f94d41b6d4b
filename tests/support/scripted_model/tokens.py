"""What a scripted model pretends its tokens to be: the words of its text, each with the space before it."""

import re
from typing import Any


def tokens_of(text: str) -> list[str]:
    """Return the text in tokens."""
    return re.findall(r"\s*\S+|\s+$", text)


def id_of(token: str) -> int:
    """Return the same id for the same token."""
    return 1_000 + sum(token.encode())


def logprob_of(place: int) -> float:
    """Return the log probability of the token at this place: each is a little less likely than the one before."""
    return -0.25 * (place + 1)


def logprobs_of(text: str, alternatives: int) -> list[dict[str, Any]]:
    """Return the tokens as OpenAI shows them."""
    return [
        _shown(token, logprob_of(place)) | {"top_logprobs": [_shown(f"{token}{n}", -5.0) for n in range(alternatives)]}
        for place, token in enumerate(tokens_of(text))
    ]


def _shown(token: str, logprob: float) -> dict[str, Any]:
    return {"token": token, "logprob": logprob, "bytes": list(token.encode())}
