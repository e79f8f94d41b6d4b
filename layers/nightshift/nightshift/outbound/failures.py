"""Why a request got no answer, in words that clients may read: short, without our internals."""

import ssl
from http.client import HTTPException
from socket import gaierror

from nightshift.deadline import OutOfTimeError
from nightshift.domain.web_url import WebUrlError
from nightshift.outbound.url_guard import AddressRefusedError


def describe_failure(error: Exception, timeout_seconds: float) -> str:
    """Return one line about what a request with this timeout ran into."""
    match error:
        case TimeoutError() | OutOfTimeError():
            return f"timed out after {timeout_seconds:g} s"
        case AddressRefusedError():
            return str(error)
        case WebUrlError():
            return f"url {error}"
        case OSError():
            return _describe_network(error)
        case HTTPException():
            return "answer is not http"
        case _:
            return "no answer"


def _describe_network(error: OSError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"tls: certificate verify failed: {error.verify_message}"
        case ssl.SSLError():
            return f"tls: {(error.reason or 'handshake failed').replace('_', ' ').lower()}"
        case gaierror():
            return "host not found"
        case ConnectionRefusedError():
            return "connection refused"
        case ConnectionError():
            return "connection closed without an answer"
        case _:
            return "host not reachable"
