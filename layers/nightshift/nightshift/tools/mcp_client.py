"""Talks to MCP servers over streamable HTTP with the official library: lists their tools and calls them.

Each listing and each call is a session of its own within one deadline. The library is loaded at the first of them: it
takes longer to import than everything else of a function together.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final

from nightshift.clock import Clock, SystemClock
from nightshift.deadline import Deadline, OutOfTimeError
from nightshift.domain.mcp_server import MAX_SCHEMA_CHARS, MAX_TOOLS, McpServer, RemoteTool
from nightshift.domain.tool import cut_return
from nightshift.outbound.exchange import Exchange
from nightshift.outbound.failures import describe_failure
from nightshift.outbound.url_guard import AddressRefusedError, UrlGuard
from nightshift.tools.sandbox import SandboxResult
from nightshift.version import VERSION

if TYPE_CHECKING:
    from mcp.client.session import ClientSession
    from mcp.types import Tool as RemoteToolDescription

MAX_PAGES: Final = 50
"""Pages of a server's list of tools that are read."""

IDEMPOTENCY_KEY: Final = "nightshift/idempotency-key"
"""Key of a call's `_meta` under which its server finds the tool call's id, the same when the call is repeated."""


class McpServerError(Exception):
    """The server could not be talked to, or refused; the text is fit for client and model to read."""


@dataclass(frozen=True, slots=True)
class McpClient:
    """Talks to the servers of all tenants; threads may share it."""

    exchange: Exchange = field(default_factory=Exchange)
    clock: Clock = field(default_factory=SystemClock)

    @classmethod
    def connect(cls, *, allow_private: bool) -> "McpClient":
        """Make a client; `allow_private` is for a server on one's own machine."""
        return cls(Exchange(UrlGuard(allow_private=allow_private)))

    def list_tools(self, server: McpServer, timeout_seconds: float) -> list[RemoteTool]:
        """Return the server's tools in its order, without those whose description is too large.

        Raises:
            McpServerError: the server was not reached in time, or is none.
        """
        return self._converse(server, timeout_seconds, _list_tools)

    def call_tool(
        self,
        server: McpServer,
        name: str,
        arguments: Mapping[str, Any],
        timeout_seconds: float,
        return_char_limit: int,
        idempotency_key: str | None = None,
    ) -> SandboxResult:
        """Call a tool by the server's name for it; whatever goes wrong is an error result."""

        async def call(session: "ClientSession") -> SandboxResult:
            return await _call_tool(session, name, dict(arguments), idempotency_key)

        try:
            result = self._converse(server, timeout_seconds, call)
        except McpServerError as error:
            text = f"Error executing function {name}: {error}"
            return SandboxResult("error", cut_return(text, return_char_limit), stderr=(text,))
        return SandboxResult(result.status, cut_return(result.text, return_char_limit), stderr=result.stderr)

    def _converse[Result](
        self, server: McpServer, timeout_seconds: float, use: "Callable[[ClientSession], Awaitable[Result]]"
    ) -> Result:
        import asyncio

        deadline = Deadline.after(timeout_seconds, self.clock)

        async def within_time() -> Result:
            async with asyncio.timeout(timeout_seconds):
                return await self._open_session(server, deadline, use)

        try:
            return asyncio.run(within_time())
        except Exception as error:
            # The library raises in groups, and much of it; of all that, the cause is told.
            raise McpServerError(_describe(error, server, timeout_seconds)) from error

    async def _open_session[Result](
        self, server: McpServer, deadline: Deadline, use: "Callable[[ClientSession], Awaitable[Result]]"
    ) -> Result:
        import httpx2
        from mcp.client.session import ClientSession
        from mcp.client.streamable_http import streamable_http_client
        from mcp.types import Implementation

        from nightshift.tools.mcp_transport import GuardedTransport

        transport = GuardedTransport(self.exchange, deadline)
        async with (
            httpx2.AsyncClient(transport=transport, headers=server.headers(), timeout=None) as http,
            streamable_http_client(server.url, http_client=http) as streams,
            ClientSession(*streams[:2], client_info=Implementation(name="nightshift", version=VERSION)) as session,
        ):
            await session.initialize()
            return await use(session)


async def _list_tools(session: "ClientSession") -> list[RemoteTool]:
    from mcp.types import PaginatedRequestParams

    found: list[RemoteTool] = []
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
        found += map(_to_remote_tool, page.tools)
        cursor = page.next_cursor
        if not cursor or len(found) >= MAX_TOOLS:
            break
    return [tool for tool in found if _chars_of(tool) <= MAX_SCHEMA_CHARS][:MAX_TOOLS]


def _chars_of(tool: RemoteTool) -> int:
    return len(json.dumps([tool.parameters, tool.description]))


def _to_remote_tool(tool: "RemoteToolDescription") -> RemoteTool:
    schema, hints = tool.input_schema, tool.annotations
    is_object = schema.get("type") == "object"
    parameters = dict(schema) if is_object else {"type": "object", "properties": {}}
    is_repeatable = hints is not None and bool(hints.read_only_hint or hints.idempotent_hint)
    return RemoteTool(tool.name, tool.description or "", parameters, is_repeatable)


async def _call_tool(
    session: "ClientSession", name: str, arguments: dict[str, Any], idempotency_key: str | None
) -> SandboxResult:
    from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult

    # Not `session.call_tool`, which lists all tools before it believes a result.
    params = CallToolRequestParams(name=name, arguments=arguments)
    if idempotency_key is not None:
        params = params.model_copy(update={"meta": {IDEMPOTENCY_KEY: idempotency_key}})
    request = CallToolRequest(params=params)
    result = await session.send_request(request, CallToolResult)
    text = "\n".join(_texts_of(result.content))
    if not result.content and result.structured_content is not None:
        text = json.dumps(result.structured_content, ensure_ascii=False)
    return SandboxResult("error", text, stderr=(text,)) if result.is_error else SandboxResult("success", text)


def _texts_of(content: Any) -> Iterator[str]:
    """Yield what a model can read of each part."""
    for part in content:
        match part.type:
            case "text":
                yield part.text
            case "resource" if getattr(part.resource, "text", None) is not None:
                yield part.resource.text
            case "resource_link":
                yield f"[resource {part.uri}]"
            case kind:
                yield f"[{kind} that can't be shown as text]"


def _describe(error: BaseException, server: McpServer, timeout_seconds: float) -> str:
    cause = _cause_of(error)
    match cause:
        case TimeoutError() | OutOfTimeError() | AddressRefusedError() | OSError() | HTTPException():
            said = describe_failure(cause, timeout_seconds)
        case _:
            said = str(cause) or type(cause).__name__
    return f"MCP server {server.name}: {said[:1_000]}"


def _cause_of(error: BaseException) -> BaseException:
    """Return the first error that is no group of others."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
