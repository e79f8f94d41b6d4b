"""OpenRouter: models of many makers behind one key."""

from typing import Final

from nightshift.models.provider import Provider

PROVIDER: Final = Provider(
    "openrouter",
    base_url="https://openrouter.ai/api/v1",
    reasoning_field="reasoning",
    reasoning_off={"reasoning": {"enabled": False}},
)
