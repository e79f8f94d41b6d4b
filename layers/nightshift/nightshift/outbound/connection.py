"""An HTTP connection to addresses fixed beforehand, of which no wait outlives one deadline.

The timeout of a socket counts from one byte to the next, so a server that sends a byte now and then holds a thread
for as long as it likes. Here every single wait gets what is left of the whole attempt. The connection is made here as
well, since it must go to the addresses that were judged while certificate and `Host` belong to the name; what is left
for a client library is writing one request and reading one status line, which the standard library does.
"""

import io
import socket
import ssl
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any, cast

from nightshift.deadline import Deadline
from nightshift.domain.web_url import WebUrl

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class PinnedConnection(HTTPConnection):
    """Speaks HTTP with the host of `url` at the first of `addresses` that accepts a connection."""

    def __init__(
        self, url: WebUrl, addresses: Sequence[str], deadline: Deadline, tls: Callable[[], ssl.SSLContext]
    ) -> None:
        super().__init__(url.host, url.port)
        self._url = url
        self._addresses = addresses
        self._deadline = deadline
        self._tls = tls

    def connect(self) -> None:
        """Open the connection; called by the base class when the request is sent.

        Raises:
            OSError: no address accepted it, or the certificate is not the host's.
        """
        self.sock = cast("socket.socket", DeadlineSocket(self._secure(self._open()), self._deadline))

    def _open(self) -> socket.socket:
        failure = OSError("no address")
        for address in self._addresses:
            try:
                opened = socket.create_connection((address, self._url.port), _time_left(self._deadline))
            except OSError as error:
                failure = error
            else:
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return opened
        raise failure

    def _secure(self, opened: socket.socket) -> socket.socket:
        """Begin TLS where the URL asks for it; the certificate must be of the URL's host, whatever the address."""
        if not self._url.is_secure:
            return opened
        try:
            opened.settimeout(_time_left(self._deadline))
            return self._tls().wrap_socket(opened, server_hostname=self._url.host)
        except BaseException:
            opened.close()
            raise


class DeadlineSocket:
    """As much of a socket as `http.client` uses, with the deadline before every wait."""

    def __init__(self, wrapped: socket.socket, deadline: Deadline) -> None:
        self._wrapped = wrapped
        self._deadline = deadline

    def sendall(self, data: "ReadableBuffer") -> None:
        # Not the socket's own sendall: over TLS its timeout starts afresh with every record.
        rest = memoryview(data)
        while rest:
            self._wrapped.settimeout(_time_left(self._deadline))
            rest = rest[self._wrapped.send(rest) :]

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_DeadlineReader(self._wrapped, self._deadline))

    def close(self) -> None:
        # The wrapped socket stays open until its reader is closed too.
        self._wrapped.close()


class _DeadlineReader(io.RawIOBase):
    def __init__(self, wrapped: socket.socket, deadline: Deadline) -> None:
        self._wrapped = wrapped
        self._deadline = deadline
        self._raw: Any = wrapped.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        self._wrapped.settimeout(_time_left(self._deadline))
        return cast("int | None", self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


def _time_left(deadline: Deadline) -> float:
    """Return seconds above zero, since zero would make a socket non-blocking.

    Raises:
        TimeoutError: none are left.
    """
    seconds = deadline.remaining_seconds()
    if seconds <= 0:
        raise TimeoutError
    return seconds
