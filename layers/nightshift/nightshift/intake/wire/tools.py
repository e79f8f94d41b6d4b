"""Tools as clients create, change and look for them (letta_api_spec §5.5)."""

from typing import Annotated, Literal, Self

from pydantic import FailFast, Field, JsonValue, StrictBool, StrictInt, StringConstraints, model_validator

from nightshift.domain.tool import MAX_RETURN_CHAR_LIMIT
from nightshift.intake.wire.base import PageQuery, ShortText, Wire

MAX_SOURCE_CHARS = 256 * 1024
"""Of one tool's source."""

TOOL_NAME_PATTERN = r"^[a-zA-Z0-9_\-]{1,64}$"
"""What the providers of models take as the name of a function."""

type Source = Annotated[str, Field(min_length=1, max_length=MAX_SOURCE_CHARS)]

type Limit = Annotated[StrictInt, Field(ge=1, le=MAX_RETURN_CHAR_LIMIT)]

type SourceType = Literal["python", "typescript"]

type ToolType = Literal[
    "custom",
    "letta_core",
    "letta_memory_core",
    "letta_multi_agent_core",
    "letta_sleeptime_core",
    "letta_voice_sleeptime_core",
    "letta_builtin",
    "letta_files_core",
    "external_langchain",
    "external_composio",
    "external_mcp",
]


class Requirement(Wire):
    """A package that a tool imports."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    version: ShortText | None = None


type Requirements = Annotated[list[Requirement], Field(max_length=100), FailFast()]


class FunctionSchema(Wire):
    """What a model sees of a tool; further keys are kept."""

    model_config = {**Wire.model_config, "extra": "allow"}

    name: Annotated[str, StringConstraints(pattern=TOOL_NAME_PATTERN)]
    description: str | None = None
    parameters: dict[str, JsonValue] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.parameters is not None and self.parameters.get("type", "object") != "object":
            raise ValueError("the parameters of a tool are a JSON Schema of type object")
        return self


class _ToolFields(Wire):
    """What creating and changing a tool have in common."""

    description: str | None = None
    json_schema: FunctionSchema | None = None
    args_json_schema: dict[str, JsonValue] | None = None
    tags: Annotated[list[ShortText], Field(max_length=1_000), FailFast()] | None = None
    pip_requirements: Requirements | None = None
    npm_requirements: Requirements | None = None
    return_char_limit: Limit | None = None
    default_requires_approval: StrictBool | None = None
    enable_parallel_execution: StrictBool | None = None
    metadata: dict[str, JsonValue] | None = Field(default=None, validation_alias="metadata_")


class CreateTool(_ToolFields):
    """Body of `POST /v1/tools/` and `PUT /v1/tools/`."""

    source_code: Source
    source_type: SourceType = "python"


class UpdateTool(_ToolFields):
    """Body of `PATCH /v1/tools/{tool_id}`."""

    source_code: Source | None = None
    source_type: SourceType | None = None


class ListToolsQuery(PageQuery):
    """Query of `GET /v1/tools/`."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 50
    order_by: Literal["created_at"] = "created_at"
    name: str | None = None
    names: list[str] = []
    tool_ids: list[str] = []
    search: str | None = None
    tool_types: list[ToolType] = []
    exclude_tool_types: list[ToolType] = []
    return_only_letta_tools: bool = False


class AttachedToolsQuery(PageQuery):
    """Query of `GET /v1/agents/{agent_id}/tools`."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 10
    order_by: Literal["created_at"] = "created_at"


class UpdateApproval(Wire):
    """Body of `PATCH /v1/agents/{agent_id}/tools/approval/{tool_name}`."""

    requires_approval: StrictBool
