"""Which addresses may be called: users choose the URL, and our network must not be what they reach.

The host is looked up once for each attempt and every answer is judged; the connection then goes to the very addresses
that were judged, so a name that changes its answer between check and use gains nothing (DNS rebinding).
"""

import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final

from nightshift.deadline import Deadline, run_within
from nightshift.domain.web_url import WebUrl

type Resolver = Callable[[str, int], Sequence[str]]
"""Turns a host and a port into IP addresses, best first; raises OSError when there is none."""

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_IPV4_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_SIX_TO_FOUR: Final = IPv6Network("2002::/16")


class AddressRefusedError(Exception):
    """The host leads to an address that must not be reached; the text is fit for the client to read."""


def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system, in the order it prefers."""
    answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[0]) for *_, address in answers))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Tell whether the address is one host of the public internet.

    An IPv6 address that only wraps an IPv4 one is judged by what it wraps. All else outside 2000::/3 is refused: ranges
    that are merely reserved today are not known to lead anywhere good.
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    if (wrapped := _wrapped_ipv4(address)) is not None:
        return is_public(wrapped)
    return address in _GLOBAL_UNICAST and address.is_global


def _wrapped_ipv4(address: IPv6Address) -> IPv4Address | None:
    if address in _IPV4_MAPPED or address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address in _SIX_TO_FOUR:
        return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    return None


@dataclass(frozen=True, slots=True)
class UrlGuard:
    """The check before every connection.

    Attributes:
        allow_private: leave the addresses unjudged; for a server on one's own machine.
    """

    allow_private: bool = False
    resolver: Resolver = resolve

    def admit(self, url: WebUrl, deadline: Deadline) -> Sequence[str]:
        """Return the addresses to connect to, best first.

        Raises:
            AddressRefusedError: at least one of them is not public; with mixed answers chance would decide.
            OutOfTimeError: the lookup is still going on at the deadline. It ends in a thread of its own.
            OSError: the host has no address.
        """
        lookup = partial(self.resolver, url.host, url.port)
        # A written address needs no lookup, yet takes the same way: what it means is said by one function only.
        addresses = run_within(deadline.remaining_seconds(), lookup)
        if not addresses:
            raise socket.gaierror(socket.EAI_NONAME, "host has no address")
        if not self.allow_private:
            _refuse_private(addresses)
        return addresses


def _refuse_private(addresses: Iterable[str]) -> None:
    if not all(is_public(ip_address(address)) for address in addresses):
        raise AddressRefusedError("address is private")
