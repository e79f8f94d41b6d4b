"""One HTTP exchange with a URL that a client chose: guarded, within one deadline, nothing followed, nothing repeated.

The only way out of here to an address that is not ours or a provider's; callbacks and images both take it.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPResponse

from nightshift.deadline import Deadline
from nightshift.domain.web_url import WebUrl
from nightshift.outbound.connection import PinnedConnection
from nightshift.outbound.url_guard import UrlGuard
from nightshift.version import VERSION


@cache
def default_tls() -> ssl.SSLContext:
    """Return the context that trusts the system's authorities; made at first use, because reading them takes time."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Exchange:
    """How requests go out; threads may share one.

    Attributes:
        tls: whose certificates are trusted, None for the system's.
    """

    guard: UrlGuard = field(default_factory=UrlGuard)
    tls: ssl.SSLContext | None = None

    @contextmanager
    def request(
        self, method: str, url: WebUrl, headers: Mapping[str, str], deadline: Deadline, body: bytes | None = None
    ) -> Iterator[HTTPResponse]:
        """Send one request to an address that the guard admits, and give the answer, of which no body is read yet.

        Raises:
            AddressRefusedError: the host leads to where it must not.
            OutOfTimeError, TimeoutError: the deadline passed; so may every read of the answer's body.
            OSError: the host was not found or not reached, or its certificate is not its own.
            HTTPException: the answer is not HTTP.
        """
        addresses = self.guard.admit(url, deadline)
        fixed = {"Host": url.host_header, "User-Agent": f"Nightshift/{VERSION}", "Connection": "close"}
        with closing(PinnedConnection(url, addresses, deadline, self._trusted)) as connection:
            connection.request(method, url.target, body, fixed | dict(headers))
            with closing(connection.getresponse()) as answer:
                yield answer

    def _trusted(self) -> ssl.SSLContext:
        return self.tls or default_tls()
