"""Well-known models by provider, for clients that let people choose.

A handle need not be in here to be used: only the provider knows which models it has, and it may have them by the day.
"""

from dataclasses import dataclass

from nightshift.models.registry import find_provider, provider_names


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that a provider is known to have; `context_window_tokens` and `max_output_tokens` are the provider's."""

    provider: str
    provider_type: str
    model: str
    context_window_tokens: int
    max_output_tokens: int

    @property
    def handle(self) -> str:
        return f"{self.provider}/{self.model}"


def known_models() -> list[KnownModel]:
    """Return the known models of all providers; a server that is placed by its owner has none that could be known."""
    return [
        KnownModel(provider.name, provider.provider_type, one.model, one.context_window_tokens, one.max_output_tokens)
        for provider in map(find_provider, provider_names())
        for one in provider.models
    ]
