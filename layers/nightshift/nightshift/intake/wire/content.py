"""Messages and their content as clients send and name them (letta_api_spec §1.2, §4)."""

from typing import Annotated, Literal

from pydantic import FailFast, Field

from nightshift.domain import ids
from nightshift.domain.message import MessageDraft, Role, TextPart
from nightshift.intake.wire.base import Wire

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
