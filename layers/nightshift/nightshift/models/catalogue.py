"""Well-known models by provider, for clients that let people choose.

A handle need not be in here to be used: only the provider knows which models it has, and it may have them by the day.
"""

from dataclasses import dataclass
from typing import Final

from nightshift.models.registry import ADAPTERS


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that a provider is known to have; `context_window_tokens` and `max_output_tokens` are the provider's."""

    provider: str
    model: str
    context_window_tokens: int
    max_output_tokens: int

    @property
    def handle(self) -> str:
        return f"{self.provider}/{self.model}"


_MODELS: Final = (
    KnownModel("bedrock", "amazon.nova-lite-v1:0", 300_000, 10_000),
    KnownModel("bedrock", "amazon.nova-micro-v1:0", 128_000, 10_000),
    KnownModel("bedrock", "amazon.nova-pro-v1:0", 300_000, 10_000),
    KnownModel("bedrock", "anthropic.claude-3-7-sonnet-20250219-v1:0", 200_000, 64_000),
    KnownModel("bedrock", "anthropic.claude-sonnet-4-20250514-v1:0", 200_000, 64_000),
    KnownModel("bedrock", "anthropic.claude-haiku-4-5-20251001-v1:0", 200_000, 64_000),
    KnownModel("openai", "gpt-4.1", 1_047_576, 32_768),
    KnownModel("openai", "gpt-4.1-mini", 1_047_576, 32_768),
    KnownModel("openai", "gpt-4o", 128_000, 16_384),
    KnownModel("openai", "gpt-4o-mini", 128_000, 16_384),
    KnownModel("openai", "gpt-5", 400_000, 128_000),
    KnownModel("openai", "gpt-5-mini", 400_000, 128_000),
    KnownModel("openai", "o3", 200_000, 100_000),
    KnownModel("openai", "o4-mini", 200_000, 100_000),
)


def known_models() -> list[KnownModel]:
    """Return the known models of the providers that there are adapters for."""
    return [model for model in _MODELS if model.provider in ADAPTERS]
