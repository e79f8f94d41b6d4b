"""One POST: a fixed deadline over everything, no redirect followed, nothing repeated, the answer's body not kept."""

import ssl
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException, HTTPResponse
from typing import Final

from nightshift.clock import Clock
from nightshift.deadline import Deadline, OutOfTimeError
from nightshift.delivery.connection import PinnedConnection
from nightshift.delivery.failures import describe_failure
from nightshift.delivery.url_guard import AddressRefusedError, UrlGuard
from nightshift.domain.callback import ATTEMPT_TIMEOUT_SECONDS, AttemptOutcome
from nightshift.domain.callback_url import CallbackUrl, CallbackUrlError
from nightshift.version import VERSION

_MAX_ANSWER_BYTES: Final = 4_096
"""Read so that an ordinary receiver can finish its answer before the connection is closed."""

_NO_ANSWER: Final = (OSError, HTTPException, AddressRefusedError, CallbackUrlError, OutOfTimeError)


@cache
def default_tls() -> ssl.SSLContext:
    """Return the context that trusts the system's authorities; made at first use, because reading them takes time."""
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends callbacks; threads may share one.

    Attributes:
        timeout_seconds: for one attempt from the lookup of the host to the last byte that is read.
        tls: whose certificates are trusted, None for the system's.
    """

    clock: Clock
    guard: UrlGuard
    timeout_seconds: float = ATTEMPT_TIMEOUT_SECONDS
    tls: ssl.SSLContext | None = None

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> AttemptOutcome:
        """Send `body` once and say what it came to; raises nothing that the receiver can cause."""
        try:
            return AttemptOutcome(self._exchange(CallbackUrl.parse(url), headers, body))
        except _NO_ANSWER as error:
            return AttemptOutcome(None, describe_failure(error, self.timeout_seconds))

    def _exchange(self, url: CallbackUrl, headers: Mapping[str, str], body: bytes) -> int:
        deadline = Deadline.after(self.timeout_seconds, self.clock)
        addresses = self.guard.admit(url, deadline)
        fixed = {
            "Host": url.host_header,
            "User-Agent": f"Nightshift/{VERSION}",
            "Content-Type": "application/json",
            "Connection": "close",
        }
        with closing(PinnedConnection(url, addresses, deadline, self._tls)) as connection:
            connection.request("POST", url.target, body, fixed | dict(headers))
            with closing(connection.getresponse()) as answer:
                _read_a_little(answer)
                return answer.status

    def _tls(self) -> ssl.SSLContext:
        return self.tls or default_tls()


def _read_a_little(answer: HTTPResponse) -> None:
    # The status has arrived and is the outcome, however the rest of the answer goes.
    with suppress(OSError, HTTPException):
        answer.read(_MAX_ANSWER_BYTES)
