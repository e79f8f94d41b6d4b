"""The content of messages as clients send it (letta_api_spec §1.2).

The official SDKs leave a part's `type` optional: where it is missing, the fields that are there tell.
"""

import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, FailFast, Field, JsonValue, StrictBool, StrictInt, Tag, field_validator

from nightshift.domain import content as domain
from nightshift.intake.wire.base import ShortText, Wire


def kind_by(marks: Mapping[str, str], otherwise: str) -> Callable[[Any], str]:
    """Return what tells an object's kind: its `type`, or else the first of these fields that has a value."""

    def kind_of(value: Any) -> str:
        if not isinstance(value, dict):
            return str(getattr(value, "type", None) or otherwise)
        kind = value.get("type")
        if kind is not None:
            return kind if isinstance(kind, str) else ""
        return next((kind for mark, kind in marks.items() if value.get(mark) is not None), otherwise)

    return kind_of


def one_of(marks: Mapping[str, str], otherwise: str, kinds: Iterable[str]) -> Discriminator:
    """Return a union's discriminator that names the kinds there are when it finds another one."""
    return Discriminator(
        kind_by(marks, otherwise),
        custom_error_type="unknown_type",
        custom_error_message=f"Input should be an object whose type is one of: {', '.join(kinds)}",
    )


class TextContent(Wire):
    """A text part of a message's content."""

    type: Literal["text"] = "text"
    text: str
    signature: str | None = None

    def to_part(self) -> domain.TextPart:
        return domain.TextPart(self.text, self.signature)


class UrlImage(Wire):
    """An image at an address; the provider fetches it."""

    type: Literal["url"] = "url"
    url: Annotated[str, Field(min_length=1)]

    def to_source(self) -> domain.UrlImage:
        return domain.UrlImage(self.url)


class Base64Image(Wire):
    """An image within the request."""

    type: Literal["base64"] = "base64"
    media_type: ShortText
    data: str
    detail: ShortText | None = None

    @field_validator("data")
    @classmethod
    def _check_data(cls, data: str) -> str:
        try:
            binascii.a2b_base64(data, strict_mode=True)
        except ValueError as error:
            raise ValueError("must be base64 without spaces, line breaks or a data: prefix") from error
        return data

    def to_source(self) -> domain.Base64Image:
        return domain.Base64Image(self.media_type, self.data, self.detail)


class LettaImage(Wire):
    """An image in a Letta server's file store; there is none here, so that only `data` is of use."""

    type: Literal["letta"] = "letta"
    file_id: str
    media_type: ShortText | None = None
    data: str | None = None
    detail: ShortText | None = None

    def to_source(self) -> domain.LettaImage:
        return domain.LettaImage(self.file_id, self.media_type, self.data, self.detail)


class ImageContent(Wire):
    """A picture."""

    type: Literal["image"] = "image"
    source: Annotated[
        Annotated[UrlImage, Tag("url")] | Annotated[Base64Image, Tag("base64")] | Annotated[LettaImage, Tag("letta")],
        one_of({"url": "url", "file_id": "letta", "data": "base64"}, "url", ["url", "base64", "letta"]),
    ]

    def to_part(self) -> domain.ImagePart:
        return domain.ImagePart(self.source.to_source())


class ToolCallContent(Wire):
    """A tool call told in words that are no one's to execute."""

    type: Literal["tool_call"] = "tool_call"
    id: str
    name: str
    input: dict[str, JsonValue]
    signature: str | None = None

    def to_part(self) -> domain.ToolCallPart:
        return domain.ToolCallPart(self.id, self.name, self.input, self.signature)


class ToolReturnContent(Wire):
    """What a tool call gave back, told likewise."""

    type: Literal["tool_return"] = "tool_return"
    tool_call_id: str
    content: str
    is_error: StrictBool

    def to_part(self) -> domain.ToolReturnPart:
        return domain.ToolReturnPart(self.tool_call_id, self.content, self.is_error)


class ReasoningContent(Wire):
    """What a model thought."""

    type: Literal["reasoning"] = "reasoning"
    reasoning: str
    is_native: StrictBool
    signature: str | None = None

    def to_part(self) -> domain.ReasoningPart:
        return domain.ReasoningPart(self.reasoning, self.is_native, self.signature)


class RedactedReasoningContent(Wire):
    """What a model thought, readable to its provider alone."""

    type: Literal["redacted_reasoning"] = "redacted_reasoning"
    data: str

    def to_part(self) -> domain.RedactedReasoningPart:
        return domain.RedactedReasoningPart(self.data)


class OmittedReasoningContent(Wire):
    """That a model thought, and no more."""

    type: Literal["omitted_reasoning"] = "omitted_reasoning"
    signature: str | None = None

    def to_part(self) -> domain.OmittedReasoningPart:
        return domain.OmittedReasoningPart(self.signature)


class ReasoningSummary(Wire):
    """A paragraph of a summary."""

    index: Annotated[StrictInt, Field(ge=0, le=1_000_000)]
    text: str


class SummarizedReasoningContent(Wire):
    """What a model thought, in the form of OpenAI's Responses."""

    type: Literal["summarized_reasoning"] = "summarized_reasoning"
    id: str
    summary: Annotated[list[ReasoningSummary], FailFast()]
    encrypted_content: str | None = None

    def to_part(self) -> domain.SummarizedReasoningPart:
        paragraphs = tuple(domain.ReasoningSummary(one.index, one.text) for one in self.summary)
        return domain.SummarizedReasoningPart(self.id, paragraphs, self.encrypted_content)


_SHOWN = ("text", "image")
_SPOKEN = (*_SHOWN, "tool_call", "tool_return", "reasoning", "redacted_reasoning", "omitted_reasoning")
_MARKS = {
    "text": "text",
    "source": "image",
    "reasoning": "reasoning",
    "summary": "summarized_reasoning",
    "tool_call_id": "tool_return",
    "input": "tool_call",
    "data": "redacted_reasoning",
}

type ShownPart = Annotated[
    Annotated[TextContent, Tag("text")] | Annotated[ImageContent, Tag("image")], one_of(_MARKS, "text", _SHOWN)
]
"""What a tool's return may hold."""

_SpokenPart = (
    Annotated[TextContent, Tag("text")]
    | Annotated[ImageContent, Tag("image")]
    | Annotated[ToolCallContent, Tag("tool_call")]
    | Annotated[ToolReturnContent, Tag("tool_return")]
    | Annotated[ReasoningContent, Tag("reasoning")]
    | Annotated[RedactedReasoningContent, Tag("redacted_reasoning")]
    | Annotated[OmittedReasoningContent, Tag("omitted_reasoning")]
)

type MessagePart = Annotated[_SpokenPart, one_of(_MARKS, "text", _SPOKEN)]
"""What a message's content may hold."""

type InputPart = Annotated[
    _SpokenPart | Annotated[SummarizedReasoningContent, Tag("summarized_reasoning")],
    one_of(_MARKS, "text", (*_SPOKEN, "summarized_reasoning")),
]
"""What `input` may hold."""

_FORM = Discriminator(lambda value: "parts" if isinstance(value, list) else "string")
"""Content is one text or a list of parts; an error is then about the form that was sent, not about both."""

type Text = Annotated[str, Field(min_length=1), Tag("string")]
type MessageContent = Annotated[
    Text | Annotated[list[MessagePart], Field(min_length=1), FailFast(), Tag("parts")], _FORM
]
type InputContent = Annotated[Text | Annotated[list[InputPart], Field(min_length=1), FailFast(), Tag("parts")], _FORM]
type ReturnContent = Annotated[
    Annotated[str, Tag("string")] | Annotated[list[ShownPart], Field(min_length=1), FailFast(), Tag("parts")], _FORM
]


def to_parts(content: str | Sequence[MessagePart] | Sequence[InputPart]) -> tuple[domain.ContentPart, ...]:
    """Return a message's content as parts; a string is one text."""
    return (domain.TextPart(content),) if isinstance(content, str) else tuple(part.to_part() for part in content)


def to_shown_parts(content: str | Sequence[ShownPart]) -> tuple[domain.ShownPart, ...]:
    """Return what a tool gave back as parts; a string is one text."""
    return (domain.TextPart(content),) if isinstance(content, str) else tuple(part.to_part() for part in content)
