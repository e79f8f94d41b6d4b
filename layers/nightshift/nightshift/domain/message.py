"""What is said in a conversation: messages, their content parts, tool calls and tool returns.

A message is stored once and never changed (promise 10: the log is append-only); `domain/display.py` turns one stored
message into the one or more messages that the API shows.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from nightshift.domain.approval import Approval
from nightshift.domain.content import ContentPart, ImagePart, ReasoningPart, TextPart

__all__ = (
    "Compaction",
    "ContentPart",
    "Message",
    "MessageDraft",
    "ReasoningPart",
    "Role",
    "TextPart",
    "ToolCall",
    "ToolReturn",
    "ToolSchema",
    "Usage",
)


class Role(StrEnum):
    """Who speaks.

    An approval is a client's answer to a run that waits; a summary stands for messages that a compaction took out of
    the context window, and an event tells clients of it: no model ever sees one.
    """

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    APPROVAL = "approval"
    SUMMARY = "summary"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model asks for; `arguments` is the JSON text as the model wrote it, possibly not valid."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolReturn:
    """What one tool call gave back; `images` are shown to the model beside the text, where its provider takes them."""

    tool_call_id: str
    name: str
    text: str
    status: Literal["success", "error"]
    stdout: tuple[str, ...] = ()
    stderr: tuple[str, ...] = ()
    images: tuple[ImagePart, ...] = ()


@dataclass(frozen=True, slots=True)
class Compaction:
    """What shortened the context window, and by how much; None where it was not counted.

    Attributes:
        trigger: why, such as `post_step_context_check`.
    """

    trigger: str
    context_window_tokens: int
    tokens_before: int | None = None
    tokens_after: int | None = None
    messages_before: int = 0
    messages_after: int = 0


@dataclass(frozen=True, slots=True)
class MessageDraft:
    """A message that has no place in a conversation yet.

    Attributes:
        gated_call_ids: those of `tool_calls` that wait for the client, to approve or to run them.
        approvals: the answer that a message of the role `approval` brings.
        compaction: what a summary or an event tells of.
        is_hidden: said to the model alone; clients never see it.
    """

    role: Role
    content: tuple[ContentPart, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_returns: tuple[ToolReturn, ...] = ()
    gated_call_ids: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    compaction: Compaction | None = None
    is_hidden: bool = False
    name: str | None = None
    otid: str | None = None
    sender_id: str | None = None
    group_id: str | None = None
    batch_item_id: str | None = None

    @property
    def text(self) -> str:
        """Return the text parts joined by line breaks."""
        return "\n".join(part.text for part in self.content if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True)
class Message:
    """A message at its place in a conversation.

    Attributes:
        sequence: place in the conversation's log; 0 is the system message, without gaps from 1 on.
        step_id: the step that produced it, None for what a step only received.
    """

    id: str
    sequence: int
    created_at: datetime
    draft: MessageDraft
    run_id: str | None = None
    step_id: str | None = None

    @property
    def role(self) -> Role:
        return self.draft.role

    @property
    def is_summary(self) -> bool:
        """Tell whether this is what a compaction left for the model, in either of its two forms."""
        return self.draft.compaction is not None and self.role is not Role.EVENT


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call or of several added up; a figure that the provider did not send is 0."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.total_tokens + other.total_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """A tool as it is offered to a model; `parameters` is a JSON Schema object."""

    name: str
    description: str
    parameters: dict[str, object] = field(default_factory=lambda: {"type": "object", "properties": {}})
