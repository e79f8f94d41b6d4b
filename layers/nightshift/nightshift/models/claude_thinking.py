"""How Claude is asked to think, which is the same at Anthropic and at Bedrock."""

import re
from typing import Any, Final

from nightshift.models.port import ModelRequest

MIN_BUDGET_TOKENS = 1_024
"""Claude refuses less."""

DEFAULT_BUDGET_TOKENS = 4_096
"""Where the agent names none: enough to plan a few tool calls."""

_TOLD_IN_TOKENS: Final = re.compile(r"claude-(?:3|(?:opus|sonnet|haiku)-4(?:-[015])?(?:-\d{8}|[-.@:]v|$|@))")
"""Models up to 4.5 are given a budget; later ones refuse it and adapt by themselves."""


def thinking_of(request: ModelRequest) -> dict[str, Any]:
    """Return the `thinking` of a request that switches reasoning on."""
    if _TOLD_IN_TOKENS.search(request.model) or request.reasoning.budget_tokens:
        return {"type": "enabled", "budget_tokens": budget_tokens(request)}
    return {"type": "adaptive"}


def budget_tokens(request: ModelRequest) -> int:
    """Return the tokens to think with."""
    return max(MIN_BUDGET_TOKENS, request.reasoning.budget_tokens or DEFAULT_BUDGET_TOKENS)
