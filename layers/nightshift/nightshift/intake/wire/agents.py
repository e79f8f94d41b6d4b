"""Agents as clients create, change and look for them (letta_api_spec §5.4)."""

from typing import Annotated, Any, Literal, Self

from pydantic import FailFast, Field, JsonValue, StrictBool, StringConstraints, model_validator

from nightshift.domain import ids
from nightshift.domain.block import MAX_MEMORY_BYTES
from nightshift.domain.stop_reason import StopReason
from nightshift.intake.wire.base import PageQuery, ShortText, Tokens, Wire
from nightshift.intake.wire.blocks import CreateBlock, Tags
from nightshift.intake.wire.messages import MessageCreate
from nightshift.intake.wire.model_settings import CompactionSettings, LlmConfig, ModelSettings, ResponseFormat
from nightshift.intake.wire.tool_rules import WireRules

type AgentType = Literal[
    "letta_v1_agent",
    "memgpt_agent",
    "memgpt_v2_agent",
    "react_agent",
    "workflow_agent",
    "split_thread_agent",
    "sleeptime_agent",
    "voice_convo_agent",
    "voice_sleeptime_agent",
]
"""What the SDK knows; all are served by the one loop there is."""

MAX_BLOCKS = 50
"""Blocks that one agent may have; new ones are written in one transaction with it."""

MAX_TOOLS = 100
"""Tools that one agent may have; no provider takes more."""

MAX_INITIAL_MESSAGES = 40
"""With blocks and agent they stay below the hundred writes and the 4 MB of one transaction."""


type AgentName = Annotated[str, StringConstraints(max_length=256, pattern=r"^[\p{L}\p{M}\p{Nd} \-_']+$")]
"""Letters of any language, digits, space, `-`, `_` and `'` (letta_api_spec §5.4)."""


type BlockId = Annotated[str, StringConstraints(pattern=ids.id_pattern("block"))]

type ToolId = Annotated[str, StringConstraints(pattern=ids.id_pattern("tool"))]

type Secrets = Annotated[dict[Annotated[str, Field(min_length=1, max_length=256)], str], Field(max_length=500)]

EXTRA = (
    "base_template_id",
    "enable_sleeptime",
    "hidden",
    "max_files_open",
    "per_file_view_window_char_limit",
    "project_id",
    "template_id",
)
"""Fields that are kept and shown as the client gave them."""


class _AgentFields(Wire):
    """What creating and changing an agent have in common."""

    name: AgentName | None = None
    model: ShortText | None = None
    llm_config: LlmConfig | None = None
    model_settings: ModelSettings | None = None
    system: str | None = None
    description: str | None = None
    block_ids: Annotated[list[BlockId], Field(max_length=MAX_BLOCKS), FailFast()] | None = None
    tool_ids: Annotated[list[ToolId], Field(max_length=MAX_TOOLS), FailFast()] | None = None
    tool_rules: WireRules | None = None
    tags: Tags | None = None
    metadata: dict[str, JsonValue] | None = None
    secrets: Secrets | None = Field(default=None, repr=False)
    tool_exec_environment_variables: Secrets | None = Field(default=None, repr=False)
    embedding: ShortText | None = None
    context_window_limit: Annotated[Tokens, Field(ge=1_000)] | None = None
    max_tokens: Tokens | None = None
    parallel_tool_calls: StrictBool | None = None
    response_format: ResponseFormat | None = None
    compaction_settings: CompactionSettings | None = None
    message_buffer_autoclear: StrictBool | None = None
    timezone: ShortText | None = None
    base_template_id: ShortText | None = None
    enable_sleeptime: StrictBool | None = None
    hidden: StrictBool | None = None
    max_files_open: Annotated[int, Field(ge=0, le=1_000_000, strict=True)] | None = None
    per_file_view_window_char_limit: Annotated[int, Field(ge=0, le=100_000_000, strict=True)] | None = None
    project_id: ShortText | None = None
    template_id: ShortText | None = None

    def extra(self) -> dict[str, Any]:
        """Return the fields of `EXTRA` that were sent."""
        return {name: getattr(self, name) for name in EXTRA if name in self.model_fields_set}

    def all_secrets(self) -> dict[str, str] | None:
        """Return the secrets under both their names, None when neither was sent."""
        if self.secrets is None and self.tool_exec_environment_variables is None:
            return None
        return (self.tool_exec_environment_variables or {}) | (self.secrets or {})


class CreateAgent(_AgentFields):
    """Body of `POST /v1/agents/` (letta_api_spec §5.4)."""

    agent_type: AgentType = "letta_v1_agent"
    memory_blocks: Annotated[list[CreateBlock], Field(max_length=MAX_BLOCKS), FailFast()] | None = None
    tools: Annotated[list[ShortText], Field(max_length=MAX_TOOLS), FailFast()] | None = None
    include_base_tools: StrictBool = True
    initial_message_sequence: (
        Annotated[list[MessageCreate], Field(max_length=MAX_INITIAL_MESSAGES), FailFast()] | None
    ) = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        blocks = self.memory_blocks or []
        labels = [block.label for block in blocks]
        if len(set(labels)) < len(labels):
            raise ValueError("memory_blocks must have different labels")
        size = sum(len(block.value.encode("utf-8", "replace")) for block in blocks)
        if size > MAX_MEMORY_BYTES:
            raise ValueError(f"memory_blocks hold {size} bytes together, the limit is {MAX_MEMORY_BYTES}")
        return self


class UpdateAgent(_AgentFields):
    """Body of `PATCH /v1/agents/{agent_id}`; a field that is absent or null stays as it is."""


class ListAgentsQuery(PageQuery):
    """Query of `GET /v1/agents/`."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 50
    ascending: bool | None = None
    order_by: Literal["created_at", "updated_at", "last_run_completion"] = "created_at"
    sort_by: ShortText | None = None
    name: str | None = None
    tags: list[str] = []
    match_all_tags: bool = False
    query_text: str | None = None
    last_stop_reason: StopReason | None = None
    project_id: str | None = None
    template_id: str | None = None
    base_template_id: str | None = None
    identity_id: str | None = None
    identifier_keys: list[str] = []
    created_by_id: str | None = None


class AgentsOfBlockQuery(PageQuery):
    """Query of `GET /v1/blocks/{block_id}/agents`."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 50
    order_by: Literal["created_at"] = "created_at"


class RecompileQuery(Wire):
    """Query of `POST /v1/agents/{agent_id}/recompile`."""

    dry_run: bool = False
    update_timestamp: bool = False


class ListTagsQuery(PageQuery):
    """Query of `GET /v1/tags/`; cursors are tags themselves."""

    order: Literal["asc", "desc"] = "asc"
    order_by: Literal["name"] = "name"
    query_text: str | None = None
    name: str | None = None
