"""How hard OpenAI's models are told to think: each generation knows other words, and refuses those of the rest."""

import re
from typing import Final

from nightshift.models.port import ModelRequest

_REASONS: Final = re.compile(r"(?:o[1-9]|gpt-[5-9]|codex)(?!.*chat)")
"""Models that reason, by their names; `gpt-5-chat-latest` does not."""

_LEAST: Final = (
    (re.compile(r"gpt-5(?:-(?:mini|nano))?(?:-2025.*)?$"), "minimal"),
    (re.compile(r"o[1-9]|.*(?:codex|-pro)"), "low"),
)
"""The lowest effort of models that can't go without; all others know `none`."""


def reasons(model: str) -> bool:
    """Tell whether this model of OpenAI's is one that reasons."""
    return _REASONS.match(model) is not None


def effort_at_openai(request: ModelRequest) -> str | None:
    """Return the effort to ask for, None to leave it to the model."""
    if not reasons(request.model):
        return None
    if request.reasoning.is_on is False:
        return next((effort for pattern, effort in _LEAST if pattern.match(request.model)), "none")
    return request.reasoning.effort
