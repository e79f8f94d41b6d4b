"""Anthropic's own API, and servers that speak it, by `ANTHROPIC_BASE_URL`."""

from typing import Final

from nightshift.models.provider import ModelFigures, Provider

PROVIDER: Final = Provider(
    "anthropic",
    adapter="nightshift.models.anthropic_messages",
    models=(
        ModelFigures("claude-haiku-4-5", 200_000, 64_000),
        ModelFigures("claude-opus-4-5", 200_000, 64_000),
        ModelFigures("claude-opus-4-6", 200_000, 128_000),
        ModelFigures("claude-sonnet-4-5", 200_000, 64_000),
        ModelFigures("claude-sonnet-4-6", 200_000, 64_000),
    ),
)
