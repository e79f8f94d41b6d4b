"""A URL that a client gave us to call, judged by its text alone: a callback's or an image's.

Whether the host may be reached at all is decided at every attempt by `outbound/url_guard.py`: names move, so what DNS
says at acceptance would be worth nothing when the callback is sent.
"""

import re
import string
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, Self
from urllib.parse import quote, urlsplit

MAX_URL_LENGTH: Final = 2_048
"""Characters; what proxies and servers commonly accept."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_AUTHORITY: Final = re.compile(r"(?:\[(?P<address>[^\[\]]*)\]|(?P<name>[^\[\]:]*))(?::(?P<port>[0-9]*))?")
_NAME: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_ENDS_IN_NUMBER: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")


class WebUrlError(ValueError):
    """No request can go to this URL; the text says why and is fit for the client to read."""


@dataclass(frozen=True, slots=True)
class WebUrl:
    """An absolute http or https URL without credentials.

    Attributes:
        host: name in lower-case ASCII without a trailing dot, or an IP address without brackets.
        target: path and query in ASCII, as they stand on the request line.
    """

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a URL.

        Raises:
            WebUrlError: it is none that a request can go to.
        """
        _check_characters(text)
        try:
            parts = urlsplit(text)
        except ValueError as error:
            raise WebUrlError("must be a well-formed URL") from error
        if parts.scheme not in _DEFAULT_PORTS:
            raise WebUrlError("must be an absolute http or https URL")
        host, port = _split_authority(parts.netloc)
        query = f"?{_to_ascii(parts.query)}" if parts.query else ""
        return cls(parts.scheme, host, port or _DEFAULT_PORTS[parts.scheme], _to_ascii(parts.path or "/") + query)

    @property
    def is_secure(self) -> bool:
        return self.scheme == "https"

    @property
    def host_header(self) -> str:
        """Return the value of the `Host` header: brackets around IPv6, the port only where it is not the default."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def _check_characters(text: str) -> None:
    # urlsplit drops tabs and line breaks silently and browsers read a backslash as a slash: none of them is let near.
    if len(text) > MAX_URL_LENGTH:
        raise WebUrlError(f"must have at most {MAX_URL_LENGTH} characters, found {len(text)}")
    if not all(character.isprintable() and character not in " \\" for character in text):
        raise WebUrlError("must not contain spaces, backslashes or control characters")


def _split_authority(authority: str) -> tuple[str, int | None]:
    """Return host and port, None when the URL names no port."""
    if "@" in authority:
        raise WebUrlError("must not contain credentials")
    match = _AUTHORITY.fullmatch(authority)
    if match is None:
        raise WebUrlError("must have a valid host and port")
    address, name, port = match["address"], match["name"], match["port"]
    if port and not 1 <= int(port) <= 65_535:
        raise WebUrlError(f"must have a port from 1 to 65535, found {port}")
    host = _read_name(name) if address is None else _read_ipv6(address)
    return host, int(port) if port else None


def _read_ipv6(text: str) -> str:
    try:
        address = IPv6Address(text)
    except AddressValueError as error:
        raise WebUrlError("must have a valid IPv6 address between brackets") from error
    if address.scope_id is not None:
        raise WebUrlError("must not name the zone of an IPv6 address")
    return str(address)


def _read_name(text: str) -> str:
    """Return a host name in ASCII, or an IPv4 address in its one usual form.

    System resolvers read `2130706433`, `0x7f.1` and `0177.0.0.1` as 127.0.0.1; whoever writes an address that way
    hides it, so the WHATWG rule applies: what ends in a number must be an IPv4 address.
    """
    try:
        name = text.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError as error:
        raise WebUrlError("must have a valid host name") from error
    if not _NAME.fullmatch(name):
        raise WebUrlError("must have a valid host name")
    if _ENDS_IN_NUMBER.fullmatch(name):
        try:
            return str(IPv4Address(name))
        except AddressValueError as error:
            raise WebUrlError("must write an IPv4 address as four decimal numbers") from error
    return name


def _to_ascii(text: str) -> str:
    return quote(text, safe=string.punctuation)
