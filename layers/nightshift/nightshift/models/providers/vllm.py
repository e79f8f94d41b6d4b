"""vLLM: any model it serves, at `VLLM_BASE_URL`."""

from typing import Final

from nightshift.models.provider import Provider

PROVIDER: Final = Provider(
    "vllm",
    client_type="openai",
    is_placed_by_settings=True,
    reasoning_off={"chat_template_kwargs": {"enable_thinking": False}},
)
