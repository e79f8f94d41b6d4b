"""HTTP for the MCP library that goes out like every request to an address that a client chose: guarded and bounded.

The library keeps to its protocol; connections are `outbound/exchange.py`'s, so that the address that was judged is the
one that is called. Only the MCP client imports this module, when it first talks to a server: the library is heavy.
"""

from collections.abc import AsyncIterator
from contextlib import ExitStack
from http.client import HTTPResponse
from typing import Final

import httpx2
from anyio import to_thread

from nightshift.deadline import Deadline
from nightshift.domain.web_url import WebUrl
from nightshift.outbound.exchange import Exchange

MAX_ANSWER_BYTES: Final = 8 * 1024 * 1024
"""Of one answer's body. A tool's result is cut to its own limit, a million characters at most."""

_CHUNK_BYTES: Final = 64 * 1024

_SET_BY_THE_EXCHANGE: Final = frozenset({"host", "connection", "user-agent", "content-length", "transfer-encoding"})


class AnswerTooLargeError(Exception):
    """The server sent more than is read."""


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Sends each request as an exchange of its own, in a thread, until the deadline of the whole conversation."""

    def __init__(self, exchange: Exchange, deadline: Deadline) -> None:
        self._exchange = exchange
        self._deadline = deadline

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request and return its answer, of which the body is still to be read."""
        if request.method == "GET":
            # The stream for what a server says unasked, which nobody here would hear; a server need not have one.
            return httpx2.Response(405, request=request)
        body = await request.aread()
        opened = ExitStack()
        answer = await to_thread.run_sync(self._send, opened, request, body, abandon_on_cancel=True)
        return httpx2.Response(answer.status, headers=answer.getheaders(), stream=_Body(answer, opened))

    def _send(self, opened: ExitStack, request: httpx2.Request, body: bytes) -> HTTPResponse:
        headers = {name: value for name, value in request.headers.items() if name not in _SET_BY_THE_EXCHANGE}
        # A compressed answer could be far larger than what was counted of it.
        headers["accept-encoding"] = "identity"
        url = WebUrl.parse(str(request.url))
        return opened.enter_context(self._exchange.request(request.method, url, headers, self._deadline, body or None))


class _Body(httpx2.AsyncByteStream):
    def __init__(self, answer: HTTPResponse, opened: ExitStack) -> None:
        self._answer = answer
        self._opened = opened

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        while chunk := await to_thread.run_sync(self._answer.read1, _CHUNK_BYTES, abandon_on_cancel=True):
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise AnswerTooLargeError
            yield chunk

    async def aclose(self) -> None:
        self._opened.close()
