"""Agents as clients create and look for them (letta_api_spec §5.4)."""

from typing import Annotated, Literal, Self

from pydantic import FailFast, Field, JsonValue, StrictBool, StrictInt, StringConstraints, model_validator

from nightshift.domain.agent import DEFAULT_BLOCK_LIMIT_CHARS
from nightshift.intake.wire.base import PageQuery, ShortText, Tokens, Wire

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


MAX_MEMORY_BYTES = 512 * 1024
"""For the values of an agent's blocks together: every answer about the agent shows them twice, within Lambda's 6 MB."""


type AgentName = Annotated[str, StringConstraints(max_length=256, pattern=r"^[\p{L}\p{M}\p{Nd} \-_']+$")]
"""Letters of any language, digits, space, `-`, `_` and `'` (letta_api_spec §5.4)."""


type BlockLabel = Annotated[str, StringConstraints(max_length=128, pattern=r"^[A-Za-z0-9_./\-]+$")]


class CreateBlock(Wire):
    """A memory block of a new agent."""

    label: BlockLabel
    value: str
    limit: Annotated[StrictInt, Field(ge=1)] | None = None
    description: str | None = None
    read_only: StrictBool = False
    metadata: dict[str, JsonValue] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        limit = self.limit or DEFAULT_BLOCK_LIMIT_CHARS
        if len(self.value) > limit:
            raise ValueError(f"the value has {len(self.value)} characters, the block's limit is {limit}")
        return self


class CreateAgent(Wire):
    """Body of `POST /v1/agents/` (letta_api_spec §5.4)."""

    name: AgentName | None = None
    model: ShortText | None = None
    system: str | None = None
    description: str | None = None
    agent_type: AgentType = "letta_v1_agent"
    memory_blocks: Annotated[list[CreateBlock], FailFast()] = []
    tags: Annotated[list[str], FailFast()] = []
    metadata: dict[str, JsonValue] | None = None
    embedding: str | None = None
    context_window_limit: Annotated[Tokens, Field(ge=1_000)] | None = None
    max_tokens: Tokens | None = None
    timezone: str = "UTC"

    @model_validator(mode="after")
    def _check(self) -> Self:
        labels = [block.label for block in self.memory_blocks]
        if len(set(labels)) < len(labels):
            raise ValueError("memory_blocks must have different labels")
        size = sum(len(block.value.encode()) for block in self.memory_blocks)
        if size > MAX_MEMORY_BYTES:
            raise ValueError(f"memory_blocks hold {size} bytes together, the limit is {MAX_MEMORY_BYTES}")
        return self


class ListAgentsQuery(PageQuery):
    """Query of `GET /v1/agents/`."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 50
    name: str | None = None
    tags: list[str] = []
    match_all_tags: bool = False
    query_text: str | None = None
