"""An MCP server that a tenant registered, and its tools as it describes them."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

MAX_TOOLS: Final = 500
"""Of one server; what it lists beyond that is left out."""

MAX_SCHEMA_CHARS: Final = 32 * 1024
"""Of the schema and description of one tool; a larger one is left out."""

MAX_NAME_CHARS: Final = 64
"""Of a tool's name, as the providers of models take it."""

_UNSAYABLE: Final = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass(frozen=True, slots=True)
class McpServer:
    """The stored state of one server.

    Attributes:
        url: its endpoint for streamable HTTP.
        auth_header: header that carries the token, Authorization when None.
        auth_token: never part of a log, of `repr` or of an answer; custom_headers neither.
        tool_ids: of its tools as they were listed last, in the server's order.
        version: raised by every change; a change to an older one is refused.
    """

    id: str
    tenant: str
    name: str
    url: str
    created_at: datetime
    updated_at: datetime
    auth_header: str | None = None
    auth_token: str | None = field(default=None, repr=False)
    custom_headers: dict[str, str] = field(default_factory=dict, repr=False)
    tool_ids: tuple[str, ...] = ()
    version: int = 0

    def headers(self) -> dict[str, str]:
        """Return the headers of every request to it. A bare token for Authorization is sent as a bearer's."""
        if self.auth_token is None:
            return dict(self.custom_headers)
        name = self.auth_header or "Authorization"
        is_bare = name.lower() == "authorization" and " " not in self.auth_token
        return self.custom_headers | {name: f"Bearer {self.auth_token}" if is_bare else self.auth_token}


@dataclass(frozen=True, slots=True)
class RemoteTool:
    """A tool as its server describes it.

    Attributes:
        parameters: a JSON Schema of type object.
        is_repeatable: the server says that it only reads, or that a second call changes nothing more.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    is_repeatable: bool = False

    @property
    def callable_name(self) -> str:
        """Return the name by which a model may call it: with `_` for what providers don't take."""
        return _UNSAYABLE.sub("_", self.name)[:MAX_NAME_CHARS] or "_"
