"""LM Studio: any model it has loaded, at `LMSTUDIO_BASE_URL`."""

from typing import Final

from nightshift.models.provider import Provider

PROVIDER: Final = Provider("lmstudio", client_type="openai", is_placed_by_settings=True)
