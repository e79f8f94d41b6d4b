"""An Agent: instructions, memory blocks, tools and a model; its conversations are stored apart.

Blocks and tools are named by id: they belong to the tenant, and what changes in one shows in every agent that has it.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from nightshift.domain.tool_rule import ToolRule

DEFAULT_CONTEXT_WINDOW_TOKENS = 128_000
"""Context window of an agent whose creator named none (letta_api_spec §3.9)."""


@dataclass(frozen=True, slots=True)
class Agent:
    """The stored state of one agent.

    Attributes:
        model: a handle `provider/model`.
        block_ids: in the order of attaching; one of a deleted block stays, and is skipped wherever blocks are read.
        tool_ids: likewise.
        secrets: environment of the agent's tools; never part of a log or of `repr`.
        model_settings: what the creator said of the model beside the fields here, as in the API; reasoning effort etc.
        extra: what a client keeps with an agent and nothing here reads, such as `project_id` or `hidden`.
        system_message_id: of the message at sequence 0 of the default conversation, empty when unknown.
        version: raised by every change; a change to an older one is refused.
    """

    id: str
    tenant: str
    name: str
    model: str
    system: str
    created_at: datetime
    updated_at: datetime
    agent_type: str = "letta_v1_agent"
    description: str | None = None
    block_ids: tuple[str, ...] = ()
    tool_ids: tuple[str, ...] = ()
    tool_rules: tuple[ToolRule, ...] = ()
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    context_window_tokens: int = DEFAULT_CONTEXT_WINDOW_TOKENS
    max_output_tokens: int | None = None
    temperature: float | None = None
    parallel_tool_calls: bool = False
    response_format: dict[str, Any] | None = None
    model_settings: dict[str, Any] = field(default_factory=dict)
    compaction_settings: dict[str, Any] | None = None
    message_buffer_autoclear: bool = False
    embedding: str | None = None
    timezone: str = "UTC"
    extra: dict[str, Any] = field(default_factory=dict)
    system_message_id: str = ""
    version: int = 0
