"""llama.cpp's server: the model it was started with, at `LLAMACPP_BASE_URL`."""

from typing import Final

from nightshift.models.provider import Provider

PROVIDER: Final = Provider(
    "llamacpp",
    client_type="openai",
    is_placed_by_settings=True,
    reasoning_off={"chat_template_kwargs": {"enable_thinking": False}},
)
