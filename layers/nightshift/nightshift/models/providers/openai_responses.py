"""OpenAI by Responses, whatever the model; with `openai` it shares address and key."""

from typing import Final

from nightshift.models.provider import ModelFigures, Provider

PROVIDER: Final = Provider(
    "openai-responses",
    adapter="nightshift.models.openai_responses",
    client_type="openai",
    settings_prefix="OPENAI",
    models=(
        ModelFigures("gpt-5", 400_000, 128_000),
        ModelFigures("gpt-5-mini", 400_000, 128_000),
        ModelFigures("o3", 200_000, 100_000),
        ModelFigures("o4-mini", 200_000, 100_000),
    ),
)
