"""Groq."""

from typing import Final

from nightshift.models.provider import Provider

PROVIDER: Final = Provider("groq", base_url="https://api.groq.com/openai/v1", reasoning_field="reasoning")
