"""OpenAI, and any other server of its protocols by `OPENAI_BASE_URL`.

Reasoning models at OpenAI itself are asked by Responses, all else by Chat Completions: `models/openai_models.py`.
"""

from typing import Final

from nightshift.models.provider import ModelFigures, Provider

PROVIDER: Final = Provider(
    "openai",
    adapter="nightshift.models.openai_models",
    models=(
        ModelFigures("gpt-4.1", 1_047_576, 32_768),
        ModelFigures("gpt-4.1-mini", 1_047_576, 32_768),
        ModelFigures("gpt-4o", 128_000, 16_384),
        ModelFigures("gpt-4o-mini", 128_000, 16_384),
        ModelFigures("gpt-5", 400_000, 128_000),
        ModelFigures("gpt-5-mini", 400_000, 128_000),
        ModelFigures("o3", 200_000, 100_000),
        ModelFigures("o4-mini", 200_000, 100_000),
    ),
)
