"""What the scripted model was sent, as it came and in words that fit every protocol."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of the conversation.

    Attributes:
        role: system, user, assistant or tool.
        tool_calls, tool_returns: ids of the calls it makes and of those it answers.
    """

    role: str
    text: str = ""
    tool_calls: tuple[str, ...] = ()
    tool_returns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request; header names are in lower case."""

    protocol: str
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    model: str
    turns: tuple[Turn, ...]

    def texts_of(self, role: str) -> list[str]:
        """Return the texts of this role's turns, oldest first, without the empty ones."""
        return [turn.text for turn in self.turns if turn.role == role and turn.text]

    @property
    def tool_returns_since_user(self) -> int:
        """Return how many tool calls were answered after the user's newest words."""
        count = 0
        for turn in reversed(self.turns):
            count += len(turn.tool_returns)
            if turn.role == "user" and turn.text:
                break
        return count

    def to_json(self) -> dict[str, Any]:
        """Return what `GET /_requests` shows."""
        return {
            "protocol": self.protocol,
            "path": self.path,
            "headers": dict(self.headers),
            "body": self.body,
            "model": self.model,
        }
