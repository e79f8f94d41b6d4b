"""What clients send: typed, checked, and turned into the domain's values. Unknown fields are ignored at every level."""

from typing import Annotated, Literal, Self

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    JsonValue,
    StrictBool,
    StrictInt,
    StringConstraints,
    field_validator,
    model_validator,
)

from nightshift.domain import ids
from nightshift.domain.agent import DEFAULT_BLOCK_LIMIT_CHARS
from nightshift.domain.callback_url import CallbackUrl
from nightshift.domain.message import MessageDraft, Role, TextPart
from nightshift.domain.run import DEFAULT_MAX_STEPS, DisplayConfig
from nightshift.domain.run_request import RunRequest
from nightshift.domain.stop_reason import StopReason

type MessageType = Literal[
    "system_message",
    "user_message",
    "assistant_message",
    "reasoning_message",
    "hidden_reasoning_message",
    "tool_call_message",
    "tool_return_message",
    "approval_request_message",
    "approval_response_message",
    "summary_message",
    "event_message",
]

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

MAX_TOKENS = 100_000_000
"""Upper bound of every count of tokens: far above any model, and exact in every store and language."""

MAX_MEMORY_BYTES = 512 * 1024
"""For the values of an agent's blocks together: every answer about the agent shows them twice, within Lambda's 6 MB."""

type Tokens = Annotated[StrictInt, Field(ge=1, le=MAX_TOKENS)]

type ShortText = Annotated[str, Field(max_length=256)]
"""What is stored in items that every checkpoint rewrites: names and handles, not content."""

type AgentId = Annotated[str, StringConstraints(pattern=ids.id_pattern("agent"))]

type AgentName = Annotated[str, StringConstraints(max_length=256, pattern=r"^[\p{L}\p{M}\p{Nd} \-_']+$")]
"""Letters of any language, digits, space, `-`, `_` and `'` (letta_api_spec §5.4)."""

type BlockLabel = Annotated[str, StringConstraints(max_length=128, pattern=r"^[A-Za-z0-9_./\-]+$")]


class Wire(BaseModel):
    """Base of everything that comes over the wire. A list is refused at its first bad element."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class TextContent(Wire):
    """A text part of a message's content."""

    type: Literal["text"] = "text"
    text: str
    signature: str | None = None

    def to_part(self) -> TextPart:
        return TextPart(self.text, self.signature)


type Content = Annotated[str, Field(min_length=1)] | Annotated[list[TextContent], Field(min_length=1), FailFast()]


def _to_parts(content: str | list[TextContent]) -> tuple[TextPart, ...]:
    return (TextPart(content),) if isinstance(content, str) else tuple(part.to_part() for part in content)


class MessageCreate(Wire):
    """One message to append before the first step."""

    type: Literal["message"] = "message"
    role: Literal["user", "system", "assistant"]
    content: Content
    name: str | None = None
    otid: str | None = None
    sender_id: str | None = None
    group_id: str | None = None
    batch_item_id: str | None = None

    def to_draft(self) -> MessageDraft:
        return MessageDraft(
            role=Role(self.role),
            content=_to_parts(self.content),
            name=self.name,
            otid=self.otid or ids.new_otid(),
            sender_id=self.sender_id,
            group_id=self.group_id,
            batch_item_id=self.batch_item_id,
        )


class CreateRun(Wire):
    """Body of `POST /v1/agents/{agent_id}/messages/async` (letta_api_spec §1.1)."""

    input: Content | None = None
    messages: Annotated[list[MessageCreate], Field(min_length=1), FailFast()] | None = None
    max_steps: Annotated[StrictInt, Field(ge=1, le=1_000_000)] = DEFAULT_MAX_STEPS
    callback_url: str | None = None
    include_return_message_types: Annotated[list[MessageType], FailFast()] | None = None
    use_assistant_message: StrictBool = True
    assistant_message_tool_name: ShortText = "send_message"
    assistant_message_tool_kwarg: ShortText = "message"
    override_model: ShortText | None = None
    override_system: str | None = Field(default=None, validation_alias=AliasChoices("override_system", "system"))

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.input is None and self.messages is None:
            raise ValueError("Must specify either 'input' or 'messages'; found neither")
        if self.input is not None and self.messages is not None:
            raise ValueError("Must specify either 'input' or 'messages'; found both")
        return self

    @field_validator("callback_url")
    @classmethod
    def _check_callback_url(cls, url: str | None) -> str | None:
        if url is not None:
            CallbackUrl.parse(url)
        return url

    def to_request(self, correlation_id: str) -> RunRequest:
        """Return what the run is to do; messages without an otid get one."""
        messages = self.messages or [MessageCreate(role="user", content=self.input or "")]
        return RunRequest(
            inputs=tuple(message.to_draft() for message in messages),
            override_model=self.override_model,
            override_system=self.override_system,
            correlation_id=correlation_id,
        )

    def to_display(self) -> DisplayConfig:
        types = self.include_return_message_types
        return DisplayConfig(
            use_assistant_message=self.use_assistant_message,
            assistant_message_tool_name=self.assistant_message_tool_name,
            assistant_message_tool_kwarg=self.assistant_message_tool_kwarg,
            include_return_message_types=None if types is None else tuple(dict.fromkeys(types)),
        )


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


class PageQuery(Wire):
    """Where a list begins and how much of it is wanted."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 100
    order: Literal["asc", "desc"] = "desc"
    before: str | None = None
    after: str | None = None


class ListAgentsQuery(PageQuery):
    """Query of `GET /v1/agents/`."""

    limit: Annotated[int, Field(ge=1, le=1_000)] = 50
    name: str | None = None
    tags: list[str] = []
    match_all_tags: bool = False
    query_text: str | None = None


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
