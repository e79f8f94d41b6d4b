"""DeepSeek's own API."""

from typing import Final

from nightshift.models.provider import Provider

PROVIDER: Final = Provider(
    "deepseek", base_url="https://api.deepseek.com", reasoning_off={"thinking": {"type": "disabled"}}
)
