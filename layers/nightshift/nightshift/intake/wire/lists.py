"""Queries of lists of runs and messages (letta_api_spec §5.0, §5.1)."""

from typing import Literal

from nightshift.domain.stop_reason import StopReason
from nightshift.intake.wire.base import AgentId, PageQuery
from nightshift.intake.wire.content import MessageType


class ListRunsQuery(PageQuery):
    """Query of `GET /v1/runs/`."""

    agent_id: AgentId | None = None
    agent_ids: list[AgentId] = []
    statuses: list[Literal["created", "running", "completed", "failed", "cancelled"]] = []
    active: bool = False
    background: bool | None = None
    stop_reason: StopReason | None = None
    conversation_id: str | None = None
    ascending: bool | None = None


class RunMessagesQuery(PageQuery):
    """Query of `GET /v1/runs/{run_id}/messages`."""

    order: Literal["asc", "desc"] = "asc"


class AgentMessagesQuery(PageQuery):
    """Query of `GET /v1/agents/{agent_id}/messages`."""

    include_return_message_types: list[MessageType] | None = None
