"""Queries of lists of runs and messages (letta_api_spec §5.0, §5.1)."""

from typing import Annotated, Literal

from pydantic import Field

from nightshift.domain.stop_reason import StopReason
from nightshift.intake.wire.base import AgentId, MessageType, Moment, PageQuery, Wire


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
    conversation_id: str | None = None
    group_id: str | None = None


class ActiveRunsQuery(Wire):
    """Query of `GET /v1/runs/active`."""

    agent_id: AgentId | None = None
    background: bool | None = None


class ListStepsQuery(PageQuery):
    """Query of `GET /v1/steps/`; times without a zone are UTC."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 50
    agent_id: AgentId | None = None
    start_date: Moment | None = None
    end_date: Moment | None = None
    model: str | None = None
    trace_ids: list[str] = []
    feedback: Literal["positive", "negative"] | None = None
    has_feedback: bool | None = None
    tags: list[str] = []
    project_id: str | None = None
