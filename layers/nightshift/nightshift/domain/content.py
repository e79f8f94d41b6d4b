"""The parts that a message's content is made of, whoever wrote it (letta_api_spec §1.2).

Every kind is stored as it came. What a provider can't take is left out or said in words by its adapter, and what the
API has no place for is said in words by `domain/display.py`; `in_words` is what both of them say.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final, Literal

_DATA_URL: Final = re.compile(r"data:(?P<media_type>[\w.+-]+/[\w.+-]+);base64,(?P<data>[A-Za-z0-9+/=]*)")


@dataclass(frozen=True, slots=True)
class TextPart:
    """Plain text; `signature` is a provider's mark that must be sent back with it."""

    text: str
    signature: str | None = None
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class UrlImage:
    """An image at an address; the runner fetches it for the call of the model (`execution/images.py`)."""

    url: str
    type: Literal["url"] = "url"


@dataclass(frozen=True, slots=True)
class Base64Image:
    """An image in the message itself; `detail` is how closely the model should look: low, high or auto."""

    media_type: str
    data: str
    detail: str | None = None
    type: Literal["base64"] = "base64"


@dataclass(frozen=True, slots=True)
class LettaImage:
    """An image in a Letta server's file store, of which this product has none; `data` when the client sent it along."""

    file_id: str
    media_type: str | None = None
    data: str | None = None
    detail: str | None = None
    type: Literal["letta"] = "letta"


type ImageSource = UrlImage | Base64Image | LettaImage


@dataclass(frozen=True, slots=True)
class ImagePart:
    """A picture."""

    source: ImageSource
    type: Literal["image"] = "image"

    @property
    def url(self) -> str:
        """Return the image's address, empty where it has none."""
        return self.source.url if isinstance(self.source, UrlImage) else ""

    @property
    def inline(self) -> Base64Image | None:
        """Return the image where its bytes are at hand, None where only its place is known."""
        match self.source:
            case Base64Image():
                return self.source
            case LettaImage(media_type=str(media_type), data=str(data), detail=detail):
                return Base64Image(media_type, data, detail)
            case UrlImage(url=url) if match := _DATA_URL.fullmatch(url):
                return Base64Image(match["media_type"], match["data"])
            case _:
                return None


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    """A tool call told within a message's content; nothing runs it."""

    id: str
    name: str
    input: dict[str, Any]
    signature: str | None = None
    type: Literal["tool_call"] = "tool_call"


@dataclass(frozen=True, slots=True)
class ToolReturnPart:
    """What a tool call gave back, told within a message's content."""

    tool_call_id: str
    content: str
    is_error: bool
    type: Literal["tool_return"] = "tool_return"


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    """What a reasoning model thought.

    Attributes:
        is_native: the provider sent it as reasoning.
        maker: who made it, as `models/provider.py` names makers. Reasoning goes back to its maker alone, so what a
            client wrote, or a version that kept no maker, has None and goes to nobody.
    """

    reasoning: str
    is_native: bool = True
    signature: str | None = None
    maker: str | None = None
    type: Literal["reasoning"] = "reasoning"


@dataclass(frozen=True, slots=True)
class RedactedReasoningPart:
    """Reasoning that the provider encrypted; only it, its `maker`, can read it."""

    data: str
    maker: str | None = None
    type: Literal["redacted_reasoning"] = "redacted_reasoning"


@dataclass(frozen=True, slots=True)
class OmittedReasoningPart:
    """Reasoning that took place and was not sent."""

    signature: str | None = None
    maker: str | None = None
    type: Literal["omitted_reasoning"] = "omitted_reasoning"


@dataclass(frozen=True, slots=True)
class ReasoningSummary:
    """One paragraph of a summary, and its place in it."""

    index: int
    text: str


@dataclass(frozen=True, slots=True)
class SummarizedReasoningPart:
    """Reasoning in the form of OpenAI's Responses: a summary to read, and the whole encrypted."""

    id: str
    summary: tuple[ReasoningSummary, ...]
    encrypted_content: str | None = None
    maker: str | None = None
    type: Literal["summarized_reasoning"] = "summarized_reasoning"

    @property
    def text(self) -> str:
        """Return the paragraphs in their order."""
        return "\n".join(paragraph.text for paragraph in self.summary)


type ShownPart = TextPart | ImagePart
"""What the API shows within a message's content."""

type HiddenPart = RedactedReasoningPart | OmittedReasoningPart | SummarizedReasoningPart

type ContentPart = ShownPart | ToolCallPart | ToolReturnPart | ReasoningPart | HiddenPart


MAX_NAME_CHARS = 200
"""Of an image's address in the words that stand for it; a `data:` address holds the image itself."""


def in_words(part: ContentPart) -> str:
    """Return what stands for the part where only words can; empty for reasoning, which is nobody's words to others."""
    match part:
        case TextPart(text=text):
            return text
        case ImagePart(source=source):
            return f"[image: {_name_of(source)[:MAX_NAME_CHARS]}]"
        case ToolCallPart(name=name, input=arguments):
            return f"[tool call: {name}({json.dumps(arguments, ensure_ascii=False)})]"
        case ToolReturnPart(content=content, is_error=is_error):
            return f"[tool {'error' if is_error else 'return'}: {content}]"
        case _:
            return ""


def _name_of(source: ImageSource) -> str:
    match source:
        case UrlImage(url=url):
            return url
        case Base64Image(media_type=media_type):
            return media_type
        case LettaImage(file_id=file_id):
            return file_id
