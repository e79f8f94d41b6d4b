"""One POST against a real receiver that behaves well or badly."""

import socket
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from nightshift.clock import SystemClock
from nightshift.delivery.send import Sender
from nightshift.domain.callback import AttemptOutcome
from nightshift.outbound.url_guard import Resolver, UrlGuard, resolve
from nightshift.version import VERSION
from support.receiver import (
    Behaviour,
    Receiver,
    answer,
    close,
    delay,
    endless_body,
    hang,
    redirect,
    reset,
    running_receiver,
    speak,
    trickle_body,
    trickle_headers,
)
from support.tls import make_tls

BODY = b'{"run_id":"run-1"}'
TIMEOUT_SECONDS = 0.3
SLACK_SECONDS = 2
"""For a busy machine; the receivers misbehave ten times as long."""

TIMED_OUT = AttemptOutcome(None, "timed out after 0.3 s")


def sender(timeout_seconds: float = 5, resolver: Resolver = resolve, *, allow_private: bool = True) -> Sender:
    return Sender(SystemClock(), UrlGuard(allow_private, resolver), timeout_seconds)


def test_request_is_a_post_of_exactly_this_body(receiver: Receiver) -> None:
    assert sender().post(receiver.url, {"X-Run-Id": "run-1"}, BODY) == AttemptOutcome(200)
    (request,) = receiver.requests
    assert (request.method, request.path, request.body) == ("POST", "/hooks/nightshift?key=very-secret", BODY)
    assert request.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "accept-encoding": "identity",
        "content-length": str(len(BODY)),
        "user-agent": f"Nightshift/{VERSION}",
        "content-type": "application/json",
        "connection": "close",
        "x-run-id": "run-1",
    }


@pytest.mark.parametrize("status", [200, 201, 204, 299, 304, 400, 404, 408, 410, 429, 500, 503])
def test_status_is_the_outcome(receiver: Receiver, status: int) -> None:
    receiver.behave(answer(status, body=b""))
    assert sender().post(receiver.url, {}, BODY) == AttemptOutcome(status)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    receiver.behave(redirect(f"http://127.0.0.1:{receiver.port}/elsewhere", status))
    assert sender().post(receiver.url, {}, BODY) == AttemptOutcome(status)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("behaviour", [hang(), trickle_headers()], ids=["hang", "trickle"])
def test_receiver_that_does_not_get_to_its_answer_is_left_at_the_deadline(
    receiver: Receiver, behaviour: Behaviour
) -> None:
    receiver.behave(behaviour)
    began = time.monotonic()
    assert sender(TIMEOUT_SECONDS).post(receiver.url, {}, BODY) == TIMED_OUT
    assert time.monotonic() - began < TIMEOUT_SECONDS + SLACK_SECONDS


def test_slow_answer_within_the_deadline_counts(receiver: Receiver) -> None:
    receiver.behave(delay(0.2, 202))
    assert sender(5).post(receiver.url, {}, BODY) == AttemptOutcome(202)


def test_status_counts_though_the_body_trickles_past_the_deadline(receiver: Receiver) -> None:
    receiver.behave(trickle_body())
    began = time.monotonic()
    assert sender(TIMEOUT_SECONDS).post(receiver.url, {}, BODY) == AttemptOutcome(200)
    assert time.monotonic() - began < TIMEOUT_SECONDS + SLACK_SECONDS


def test_endless_answer_is_not_read(receiver: Receiver) -> None:
    receiver.behave(endless_body())
    assert sender().post(receiver.url, {}, BODY) == AttemptOutcome(200)
    assert receiver.sent_bytes < 20_000_000


def test_body_that_nobody_reads_is_left_at_the_deadline() -> None:
    # A listening socket that never accepts: the kernel takes the connection and what its buffers hold.
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        began = time.monotonic()
        assert sender(TIMEOUT_SECONDS).post(url, {}, b"x" * 50_000_000) == TIMED_OUT
        assert time.monotonic() - began < TIMEOUT_SECONDS + SLACK_SECONDS


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (reset(), "connection closed without an answer"),
        (close(), "connection closed without an answer"),
        (speak(b"SSH-2.0-OpenSSH_9.6\r\n"), "answer is not http"),
        (speak(b"HTTP/1.1 2x0 OK\r\n\r\n"), "answer is not http"),
        (speak(b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * 200 + b"\r\n"), "answer is not http"),
        (speak(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000), "answer is not http"),
    ],
)
def test_failure_is_told_in_few_words(receiver: Receiver, behaviour: Behaviour, error: str) -> None:
    receiver.behave(behaviour)
    assert sender().post(receiver.url, {}, BODY) == AttemptOutcome(None, error)


def test_refused_connection_is_told() -> None:
    with running_receiver() as gone:
        url = gone.url
    assert sender().post(url, {}, BODY) == AttemptOutcome(None, "connection refused")


def test_unknown_host_is_told() -> None:
    def resolver(_host: str, _port: int) -> Sequence[str]:
        return []

    outcome = sender(resolver=resolver).post("http://nowhere.example/", {}, BODY)
    assert outcome == AttemptOutcome(None, "host not found")


def test_private_address_gets_no_request(receiver: Receiver) -> None:
    outcome = sender(allow_private=False).post(receiver.url, {}, BODY)
    assert outcome == AttemptOutcome(None, "address is private")
    assert receiver.requests == []


def test_url_that_intake_would_refuse_gets_no_request() -> None:
    outcome = sender().post("ftp://example.com/", {}, BODY)
    assert outcome == AttemptOutcome(None, "callback_url must be an absolute http or https URL")


def test_connection_goes_to_the_address_that_was_judged(receiver: Receiver) -> None:
    answers = iter([["127.0.0.1"], ["192.0.2.1"]])
    outcome = sender(resolver=lambda _host, _port: next(answers)).post(
        f"http://hooks.example:{receiver.port}/", {}, BODY
    )
    assert outcome == AttemptOutcome(200)
    assert receiver.requests[0].headers["host"] == f"hooks.example:{receiver.port}"


def test_next_address_is_tried_when_the_first_refuses(receiver: Receiver) -> None:
    outcome = sender(resolver=lambda _host, _port: ["::1", "127.0.0.1"]).post(
        f"http://localhost:{receiver.port}/", {}, BODY
    )
    assert outcome == AttemptOutcome(200)


def test_certificate_is_of_the_host_though_the_address_is_pinned(tmp_path: Path) -> None:
    tls = make_tls("hooks.example", tmp_path)
    to_loopback = UrlGuard(allow_private=True, resolver=lambda _host, _port: ["127.0.0.1"])
    secure = Sender(SystemClock(), to_loopback, 5, tls.client)
    with running_receiver(tls.server) as receiver:
        assert secure.post(f"https://hooks.example:{receiver.port}/x", {}, BODY) == AttemptOutcome(200)
        assert receiver.requests[0].body == BODY
        other = secure.post(f"https://other.example:{receiver.port}/x", {}, BODY)
        untrusted = Sender(SystemClock(), to_loopback, 5).post(f"https://hooks.example:{receiver.port}/x", {}, BODY)
        assert len(receiver.requests) == 1
    assert other.error
    assert other.error.startswith("tls: certificate verify failed: Hostname mismatch")
    assert untrusted.error
    assert untrusted.error.startswith("tls: certificate verify failed: ")


def test_large_body_arrives_over_tls(tmp_path: Path) -> None:
    tls = make_tls("hooks.example", tmp_path)
    to_loopback = UrlGuard(allow_private=True, resolver=lambda _host, _port: ["127.0.0.1"])
    with running_receiver(tls.server) as receiver:
        body = b"0123456789" * 500_000
        outcome = Sender(SystemClock(), to_loopback, 15, tls.client).post(
            f"https://hooks.example:{receiver.port}/x", {}, body
        )
        assert outcome == AttemptOutcome(200)
        assert receiver.requests[0].body == body


def test_plain_receiver_behind_https_is_told(receiver: Receiver) -> None:
    outcome = sender().post(receiver.url.replace("http:", "https:"), {}, BODY)
    assert outcome.error
    assert outcome.error.startswith("tls: ")


def test_handshake_that_hangs_is_left_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        began = time.monotonic()
        outcome = sender(TIMEOUT_SECONDS).post(f"https://127.0.0.1:{server.getsockname()[1]}/", {}, BODY)
        assert time.monotonic() - began < TIMEOUT_SECONDS + SLACK_SECONDS
    assert outcome == TIMED_OUT
