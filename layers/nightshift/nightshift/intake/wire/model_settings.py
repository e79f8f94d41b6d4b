"""What a client says of an agent's model beside its handle (letta_api_spec §5.4).

The SDK has one type a provider; here is their union, since a model is free to ignore what it does not know. What comes
in has to go out again in the SDK's strict form, hence the literal types.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue, StrictBool

from nightshift.intake.wire.base import ShortText, Tokens, Wire

type ProviderType = Literal[
    "openai",
    "sglang",
    "anthropic",
    "google_ai",
    "google_vertex",
    "azure",
    "xai",
    "moonshot",
    "zai",
    "moonshot_coding",
    "groq",
    "deepseek",
    "together",
    "bedrock",
    "baseten",
    "openrouter",
    "chatgpt_oauth",
]

type Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]

type Temperature = Annotated[float, Field(ge=0, le=2, strict=True)]


class _TextFormat(Wire):
    type: Literal["text", "json_object"]


class _SchemaFormat(Wire):
    type: Literal["json_schema"]
    json_schema: dict[str, JsonValue]


type ResponseFormat = Annotated[_TextFormat | _SchemaFormat, Field(discriminator="type")]


class _Reasoning(Wire):
    reasoning_effort: Effort = "high"


class _Thinking(Wire):
    type: Literal["enabled", "disabled"] = "enabled"
    budget_tokens: Tokens | None = None
    clear_thinking: StrictBool | None = None


class _ThinkingConfig(Wire):
    include_thoughts: StrictBool = True
    thinking_budget: Tokens | None = None


class ModelSettings(Wire):
    """`model_settings` of an agent."""

    provider_type: ProviderType
    max_output_tokens: Tokens | None = None
    temperature: Temperature | None = None
    parallel_tool_calls: StrictBool | None = None
    response_format: ResponseFormat | None = None
    reasoning: _Reasoning | None = None
    thinking: _Thinking | None = None
    thinking_config: _ThinkingConfig | None = None
    effort: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    verbosity: Literal["low", "medium", "high"] | None = None
    strict: StrictBool | None = None
    tool_call_parser: ShortText | None = None
    put_inner_thoughts_in_kwargs: StrictBool | None = None

    def rest(self) -> dict[str, Any]:
        """Return what was said beside the fields that an agent has of its own."""
        own = {"max_output_tokens", "temperature", "parallel_tool_calls", "response_format"}
        return self.model_dump(exclude=own, exclude_none=True, exclude_unset=True)


class LlmConfig(Wire):
    """`llm_config` of an agent, the older way to say it."""

    model: ShortText
    model_endpoint_type: ShortText
    context_window: Annotated[Tokens, Field(ge=1_000)]
    handle: ShortText | None = None
    provider_name: ShortText | None = None
    temperature: Temperature | None = None
    max_tokens: Tokens | None = None
    parallel_tool_calls: StrictBool | None = None
    response_format: ResponseFormat | None = None

    def to_handle(self) -> str:
        return self.handle or f"{self.provider_name or self.model_endpoint_type}/{self.model}"


class CompactionSettings(Wire):
    """How a conversation is shortened when it outgrows the context window."""

    mode: Literal["all", "sliding_window", "self_compact_all", "self_compact_sliding_window"] | None = None
    model: ShortText | None = None
    model_settings: ModelSettings | None = None
    prompt: str | None = None
    prompt_acknowledgement: StrictBool | None = None
    clip_chars: Annotated[int, Field(ge=0, le=10_000_000, strict=True)] | None = None
    sliding_window_percentage: Annotated[float, Field(ge=0, le=1, strict=True)] | None = None
