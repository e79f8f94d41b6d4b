"""Ollama: any model it has pulled, at `OLLAMA_BASE_URL`."""

from typing import Final

from nightshift.models.provider import Provider

PROVIDER: Final = Provider(
    "ollama",
    client_type="openai",
    is_placed_by_settings=True,
    reasoning_field="reasoning",
    reasoning_off={"reasoning_effort": "none"},
)
