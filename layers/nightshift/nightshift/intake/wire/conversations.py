"""Conversations, sending and streaming as clients ask for them (letta_api_spec §5.2)."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue, StrictBool, StringConstraints

from nightshift.domain import ids
from nightshift.intake.wire.base import AgentId, MessageType, Moment, PageQuery, ShortText, Tokens, Wire
from nightshift.intake.wire.create_run import CreateRun

type ConversationId = Annotated[str, StringConstraints(pattern=ids.id_pattern("conv"))]
type MessageId = Annotated[str, StringConstraints(pattern=ids.id_pattern("message"))]
type ModelSettings = dict[str, JsonValue]
type Summary = Annotated[str, Field(max_length=10_000)]
type ContextWindow = Annotated[Tokens, Field(ge=1_000)]


class ConversationFields(Wire):
    """What a conversation may be told apart from its messages."""

    summary: Summary | None = None
    description: Summary | None = None
    model: ShortText | None = None
    model_settings: ModelSettings | None = None
    context_window_limit: ContextWindow | None = None


class CreateConversation(ConversationFields):
    """Body of `POST /v1/conversations/`."""

    hidden: StrictBool | None = None


class CreateConversationQuery(Wire):
    """Query of `POST /v1/conversations/`."""

    agent_id: AgentId


class UpdateConversation(ConversationFields):
    """Body of `PATCH /v1/conversations/{conversation_id}`: what is named is changed, null empties it."""

    archived: StrictBool | None = None
    last_message_at: Moment | None = None


class ListConversationsQuery(PageQuery):
    """Query of `GET /v1/conversations/`."""

    agent_id: AgentId
    limit: Annotated[int, Field(ge=1, le=1_000)] = 50
    order_by: Literal["created_at"] = "created_at"
    archive_status: Literal["unarchived", "archived", "all"] = "unarchived"
    summary_search: str | None = None


class OfAgentQuery(Wire):
    """Query that says whose conversation `default` in the path means."""

    agent_id: AgentId | None = None


class ForkQuery(OfAgentQuery):
    """Query of `POST /v1/conversations/{conversation_id}/fork`."""

    hidden: bool = False
    message_id: MessageId | None = None


class RecompileQuery(Wire):
    """Query of `POST /v1/conversations/{conversation_id}/recompile`."""

    dry_run: bool = False


class OfAgentBody(Wire):
    """Body that says whose conversation `default` in the path means."""

    agent_id: AgentId | None = None


class ConversationMessagesQuery(PageQuery):
    """Query of `GET /v1/conversations/{conversation_id}/messages`."""

    agent_id: AgentId | None = None
    group_id: str | None = None
    include_return_message_types: list[MessageType] | None = None


class SendMessages(CreateRun):
    """Body of the forms that wait for the run: `POST /v1/agents/{agent_id}/messages` and `…/messages/stream`."""

    streaming: StrictBool | None = None
    stream_tokens: StrictBool = False
    include_pings: StrictBool = False
    background: StrictBool = False


class SendToConversation(SendMessages):
    """Body of `POST /v1/conversations/{conversation_id}/messages`, which streams unless told otherwise."""

    agent_id: AgentId | None = None


class FollowRun(Wire):
    """Body of `POST /v1/runs/{run_id}/stream`.

    Attributes:
        starting_after: `seq_id` of the newest message that the client has.
    """

    starting_after: Annotated[int, Field(ge=0)] = 0
    include_pings: bool | None = None
    poll_interval: Annotated[float, Field(gt=0)] | None = None
    batch_size: Annotated[int, Field(ge=1)] | None = None


class FollowConversation(FollowRun):
    """Body of `POST /v1/conversations/{conversation_id}/stream`."""

    agent_id: AgentId | None = None
    run_id: str | None = None
    otid: str | None = None


class CancelRuns(Wire):
    """Body of `POST /v1/agents/{agent_id}/messages/cancel`; None or empty means every active run."""

    run_ids: Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=1_000)] | None = None


class ResetMessages(Wire):
    """Body of `PATCH /v1/agents/{agent_id}/reset-messages`."""

    add_default_initial_messages: StrictBool = False


class GiveFeedback(Wire):
    """Body of `PATCH /v1/steps/{step_id}/feedback`."""

    feedback: Literal["positive", "negative"] | None = None
    tags: Annotated[list[ShortText], Field(max_length=50)] | None = None
