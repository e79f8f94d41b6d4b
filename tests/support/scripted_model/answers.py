"""What a scripted model can do when it is asked, in words that fit every provider's protocol."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

type FinishWord = Literal["stop", "length", "tool_calls", "filtered"]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of the model. `arguments` is the JSON text; `id` None lets the server make one."""

    name: str
    arguments: str = "{}"
    id: str | None = None


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Figures of the usage; `prompt` includes the cached ones, as OpenAI counts."""

    prompt: int = 10
    completion: int = 5
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """A regular answer.

    Attributes:
        reasoning_signature: what the provider wants back with the reasoning; in Responses, the encrypted whole.
        redacted_reasoning: base64 of reasoning that the provider does not show, where its protocol has that.
        finish: None follows from the tool calls.
        delay_seconds: before the first byte.
        byte_interval_seconds: between single bytes of the body, to play a server that trickles.
    """

    text: str = ""
    tool_calls: tuple[Call, ...] = ()
    reasoning: str = ""
    reasoning_signature: str | None = None
    redacted_reasoning: str = ""
    finish: FinishWord | None = None
    tokens: TokenCounts = field(default_factory=TokenCounts)
    delay_seconds: float = 0
    byte_interval_seconds: float = 0


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """An error in the protocol's own shape; an empty `code` is the one the provider uses for this status."""

    status: int
    message: str = "scripted error"
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0


@dataclass(frozen=True, slots=True)
class RawReply:
    """These very bytes, for bodies that no provider should send."""

    body: str
    status: int = 200
    content_type: str = "application/json"
    delay_seconds: float = 0


@dataclass(frozen=True, slots=True)
class Drop:
    """The connection is closed after `sent_bytes` of an announced longer body; 0 closes it before the answer."""

    sent_bytes: int = 0
    delay_seconds: float = 0


type Answer = Reply | ErrorReply | RawReply | Drop

_KINDS: Final[Mapping[str, type[ErrorReply | RawReply | Drop]]] = {"error": ErrorReply, "raw": RawReply, "drop": Drop}


def answer_from_json(fields: Mapping[str, Any]) -> Answer:
    """Read an answer from a script sent over HTTP: the fields of its class beside `kind`, which defaults to `reply`.

    Raises:
        TypeError: a field that the class does not have.
        KeyError: an unknown kind.
    """
    rest = {name: value for name, value in fields.items() if name != "kind"}
    kind = fields.get("kind", "reply")
    if kind != "reply":
        return _KINDS[kind](**rest)
    rest["tool_calls"] = tuple(Call(**call) for call in rest.get("tool_calls", ()))
    rest["tokens"] = TokenCounts(**rest.get("tokens", {}))
    return Reply(**rest)
