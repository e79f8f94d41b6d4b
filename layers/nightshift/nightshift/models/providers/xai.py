"""xAI."""

from typing import Final

from nightshift.models.provider import Provider

PROVIDER: Final = Provider("xai", base_url="https://api.x.ai/v1")
