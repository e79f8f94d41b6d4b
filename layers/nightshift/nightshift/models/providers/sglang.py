"""SGLang: any model it serves, at `SGLANG_BASE_URL`; the only one that tells token ids."""

from typing import Final

from nightshift.models.provider import Provider

PROVIDER: Final = Provider(
    "sglang",
    adapter="nightshift.models.sglang",
    client_type="openai",
    is_placed_by_settings=True,
    reasoning_off={"chat_template_kwargs": {"enable_thinking": False}},
)
