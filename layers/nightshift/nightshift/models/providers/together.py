"""Together AI."""

from typing import Final

from nightshift.models.provider import Provider

PROVIDER: Final = Provider("together", base_url="https://api.together.xyz/v1")
