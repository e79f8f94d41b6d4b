"""Which addresses callbacks may reach."""

import socket
import threading
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from nightshift.clock import SystemClock
from nightshift.deadline import Deadline, OutOfTimeError
from nightshift.domain.web_url import WebUrl
from nightshift.outbound.url_guard import AddressRefusedError, UrlGuard, is_public, resolve

URL = WebUrl.parse("https://hooks.example:8443/x")

PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:0808:0808::1",
]

PRIVATE = [
    "0.0.0.0",  # noqa: S104 -- an address to refuse, not to bind
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "192.0.0.192",
    "192.168.1.1",
    "198.18.0.1",
    "203.0.113.5",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::8.8.8.8",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:0a00:0001::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]


def deadline(seconds: float = 5) -> Deadline:
    return Deadline.after(seconds, SystemClock())


def guard(*addresses: str, allow_private: bool = False) -> UrlGuard:
    return UrlGuard(allow_private, lambda _host, _port: addresses)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_admitted(address: str) -> None:
    assert is_public(ip_address(address))
    assert guard(address).admit(URL, deadline()) == (address,)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_address_is_refused(address: str) -> None:
    with pytest.raises(AddressRefusedError, match=r"^address is private$"):
        guard(address).admit(URL, deadline())


@pytest.mark.parametrize(
    "addresses",
    [
        ("8.8.8.8", "10.0.0.1"),
        ("10.0.0.1", "8.8.8.8"),
        ("2606:4700:4700::1111", "::1"),
        ("8.8.8.8", "127.0.0.1", "1.1.1.1"),
    ],
)
def test_name_with_public_and_private_answers_is_refused(addresses: Sequence[str]) -> None:
    with pytest.raises(AddressRefusedError):
        guard(*addresses).admit(URL, deadline())


def test_private_address_is_admitted_where_the_setting_allows_it() -> None:
    assert guard("127.0.0.1", "::1", allow_private=True).admit(URL, deadline()) == ("127.0.0.1", "::1")


def test_host_is_resolved_once() -> None:
    asked = []

    def resolver(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["8.8.8.8"]

    UrlGuard(resolver=resolver).admit(URL, deadline())
    assert asked == [("hooks.example", 8443)]


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", ["127.0.0.1"]), ("::1", ["::1"]), ("8.8.8.8", ["8.8.8.8"])]
)
def test_written_address_resolves_to_itself(host: str, expected: list[str]) -> None:
    assert resolve(host, 80) == expected


def test_localhost_is_refused() -> None:
    with pytest.raises(AddressRefusedError):
        UrlGuard().admit(WebUrl.parse("http://localhost:8080/"), deadline())


def test_host_without_address_is_not_found() -> None:
    with pytest.raises(socket.gaierror):
        guard().admit(URL, deadline())


def test_lookup_that_hangs_ends_at_deadline() -> None:
    released = threading.Event()

    def resolver(_host: str, _port: int) -> Sequence[str]:
        released.wait(20)
        return ["8.8.8.8"]

    with pytest.raises(OutOfTimeError):
        UrlGuard(resolver=resolver).admit(URL, deadline(0.1))
    released.set()
