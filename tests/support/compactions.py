"""Models that compact: what they are asked, and rules that fill their context window."""

import json
from typing import Any

from nightshift.domain.agent import DEFAULT_CONTEXT_WINDOW_TOKENS
from support.scripted_model.answers import TokenCounts
from support.scripted_model.seen import SeenRequest

FULL = TokenCounts(prompt=DEFAULT_CONTEXT_WINDOW_TOKENS)
"""More than nine tenths of the window of an agent whose creator named none."""


def is_asked_for_summary(seen: SeenRequest) -> bool:
    """Tell whether a model is asked for a summary, by transcript or about its own messages."""
    said = seen.texts_of("user")
    return bool(said) and (said[-1].startswith("<transcript>") or "write a summary" in said[-1].lower())


def summaries_in(seen: SeenRequest) -> list[dict[str, Any]]:
    """Return the packed summaries that the model sees."""
    return [json.loads(text) for text in seen.texts_of("user") if text.startswith('{"type": "system_alert"')]
