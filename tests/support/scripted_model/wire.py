"""What a provider's protocol must say of itself to be played; a further one is a module and a line in `handler.py`."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from support.scripted_model.answers import ErrorReply, Reply
from support.scripted_model.seen import SeenRequest, Turn


class WireProtocol(Protocol):
    """One provider's HTTP API."""

    @property
    def name(self) -> str: ...

    def serves(self, path: str) -> bool:
        """Tell whether a POST to this path is this protocol's."""
        ...

    def model_of(self, path: str, body: Mapping[str, Any]) -> str:
        """Return the model id that the request names."""
        ...

    def find_violation(self, body: Mapping[str, Any]) -> str | None:
        """Return what a real provider would refuse in the request, None when it would take it."""
        ...

    def read_turns(self, body: Mapping[str, Any]) -> Sequence[Turn]:
        """Return the conversation of a request without violations."""
        ...

    def render_reply(self, reply: Reply, seen: SeenRequest) -> Mapping[str, Any]:
        """Return the body of a 200 to this request."""
        ...

    def render_error(self, error: ErrorReply) -> tuple[Mapping[str, Any], Mapping[str, str]]:
        """Return the body and the headers of an error."""
        ...


def violation_of_returns(turns: Sequence[Turn]) -> str | None:
    """Return the first tool call without its return directly after, or return without its call.

    All providers demand it: the returns of one answer's calls stand in the messages right behind it.
    """
    open_calls: set[str] = set()
    for turn in turns:
        unexpected = set(turn.tool_returns) - open_calls
        if unexpected:
            return f"tool results without a preceding call: {', '.join(sorted(unexpected))}"
        open_calls -= set(turn.tool_returns)
        if open_calls and not turn.tool_returns:
            break
        open_calls |= set(turn.tool_calls)
    return f"tool calls without a result: {', '.join(sorted(open_calls))}" if open_calls else None
