"""Amazon Bedrock: the default on AWS, without a key to manage."""

from typing import Final

from nightshift.models.provider import ModelFigures, Provider

PROVIDER: Final = Provider(
    "bedrock",
    adapter="nightshift.models.bedrock",
    models=(
        ModelFigures("amazon.nova-lite-v1:0", 300_000, 10_000),
        ModelFigures("amazon.nova-micro-v1:0", 128_000, 10_000),
        ModelFigures("amazon.nova-pro-v1:0", 300_000, 10_000),
        ModelFigures("anthropic.claude-3-7-sonnet-20250219-v1:0", 200_000, 64_000),
        ModelFigures("anthropic.claude-sonnet-4-20250514-v1:0", 200_000, 64_000),
        ModelFigures("anthropic.claude-haiku-4-5-20251001-v1:0", 200_000, 64_000),
    ),
)
