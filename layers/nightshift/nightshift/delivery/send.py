"""One POST: a fixed deadline over everything, no redirect followed, nothing repeated, the answer's body not kept."""

import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from typing import Final

from nightshift.clock import Clock
from nightshift.deadline import Deadline, OutOfTimeError
from nightshift.domain.callback import ATTEMPT_TIMEOUT_SECONDS, AttemptOutcome
from nightshift.domain.web_url import WebUrl, WebUrlError
from nightshift.outbound.exchange import Exchange
from nightshift.outbound.failures import describe_failure
from nightshift.outbound.url_guard import AddressRefusedError, UrlGuard

_MAX_ANSWER_BYTES: Final = 4_096
"""Read so that an ordinary receiver can finish its answer before the connection is closed."""

_NO_ANSWER: Final = (OSError, HTTPException, AddressRefusedError, OutOfTimeError)


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
            return AttemptOutcome(self._exchange(WebUrl.parse(url), headers, body))
        except WebUrlError as error:
            return AttemptOutcome(None, f"callback_url {error}")
        except _NO_ANSWER as error:
            return AttemptOutcome(None, describe_failure(error, self.timeout_seconds))

    def _exchange(self, url: WebUrl, headers: Mapping[str, str], body: bytes) -> int:
        deadline = Deadline.after(self.timeout_seconds, self.clock)
        all_headers = {"Content-Type": "application/json"} | dict(headers)
        with Exchange(self.guard, self.tls).request("POST", url, all_headers, deadline, body) as answer:
            _read_a_little(answer)
            return answer.status


def _read_a_little(answer: HTTPResponse) -> None:
    # The status has arrived and is the outcome, however the rest of the answer goes.
    with suppress(OSError, HTTPException):
        answer.read(_MAX_ANSWER_BYTES)
