"""A receiver of callbacks on 127.0.0.1 that behaves as badly as it is told to and remembers what it got."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_TRICKLE_SECONDS = 0.02
_LONGEST_SECONDS = 20


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


type Behaviour = Callable[["_Handler"], None]


def answer(status: int, headers: dict[str, str] | None = None, body: bytes = b"ok") -> Behaviour:
    """Answer at once."""

    def behave(handler: "_Handler") -> None:
        handler.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def delay(seconds: float, status: int = 200) -> Behaviour:
    """Answer after a while."""

    def behave(handler: "_Handler") -> None:
        handler.receiver.stopping.wait(seconds)
        answer(status)(handler)

    return behave


def hang() -> Behaviour:
    """Never answer."""
    return lambda handler: handler.receiver.wait_for_the_end()


def trickle_headers() -> Behaviour:
    """Begin to answer 200 and never get to the end of the headers, a byte at a time."""
    return lambda handler: handler.trickle(b"HTTP/1.1 200 OK\r\nX-Slow: ")


def trickle_body() -> Behaviour:
    """Answer 200 and never get to the end of the body, a byte at a time."""
    return lambda handler: handler.trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")


def endless_body() -> Behaviour:
    """Answer 200 with as much as anybody reads."""

    def behave(handler: "_Handler") -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(1_000):
            handler.wfile.write(b"x" * 1_000_000)
            handler.receiver.sent_bytes += 1_000_000

    return behave


def redirect(location: str, status: int = 302) -> Behaviour:
    """Send the caller elsewhere."""
    return answer(status, {"Location": location}, b"")


def reset() -> Behaviour:
    """Break the connection off with a TCP reset."""

    def behave(handler: "_Handler") -> None:
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()

    return behave


def close() -> Behaviour:
    """Close the connection in order, without an answer."""
    return lambda handler: handler.connection.shutdown(socket.SHUT_RDWR)


def speak(data: bytes) -> Behaviour:
    """Send exactly these bytes."""
    return lambda handler: handler.write(data)


@dataclass(slots=True)
class Receiver:
    """The running server. Behaviours given to `behave` are used in turn, the last one from then on."""

    scheme: str = "http"
    requests: list[ReceivedRequest] = field(default_factory=list)
    behaviours: list[Behaviour] = field(default_factory=lambda: [answer(200)])
    stopping: threading.Event = field(default_factory=threading.Event)
    port: int = 0
    sent_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/hooks/nightshift?key=very-secret"

    def behave(self, *behaviours: Behaviour) -> None:
        self.behaviours = list(behaviours)

    def next_behaviour(self) -> Behaviour:
        with self.lock:
            return self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]

    def wait_for_the_end(self) -> None:
        self.stopping.wait(_LONGEST_SECONDS)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    receiver: Receiver

    def do_POST(self) -> None:
        self.receive()

    def do_GET(self) -> None:
        self.receive()

    def receive(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.requests.append(ReceivedRequest(self.command, self.path, headers, body))
        self.close_connection = True
        try:
            self.receiver.next_behaviour()(self)
        except OSError:
            return  # whoever called has had enough

    def write(self, data: bytes) -> None:
        self.wfile.write(data)

    def trickle(self, beginning: bytes) -> None:
        self.wfile.write(beginning)
        ends_at = time.monotonic() + _LONGEST_SECONDS
        while not self.receiver.stopping.wait(_TRICKLE_SECONDS) and time.monotonic() < ends_at:
            self.wfile.write(b"x")

    def finish(self) -> None:
        try:
            super().finish()
        except OSError:
            return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's name
        return


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        return  # broken handshakes and connections are what some tests are about


@contextmanager
def running_receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Run a receiver on a free port, over TLS if a server context is given."""
    receiver = Receiver("https" if tls else "http")
    handler = type("_BoundHandler", (_Handler,), {"receiver": receiver})
    server = _Server(("127.0.0.1", 0), handler)
    receiver.port = server.server_address[1]
    if tls:
        # The handshake happens in the connection's own thread, with the first read.
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.stopping.set()
        server.shutdown()
        server.server_close()
