"""A small receiver of callbacks on 127.0.0.1, as a user's own service would be one."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True, slots=True)
class Callback:
    """One POST as it arrived."""

    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Receiver:
    """A listening receiver: the address to give as ``callback_url``, and what came in."""

    url: str
    _arrived: "queue.Queue[Callback]"

    def next(self, limit_seconds: float) -> Callback | None:
        """The next callback, or None when none arrives within the limit."""
        try:
            return self._arrived.get(timeout=limit_seconds)
        except queue.Empty:
            return None


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Listen on a free port and answer every POST with 200."""
    arrived: queue.Queue[Callback] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            arrived.put(Callback({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(HTTPStatus.OK)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent: the caller shows what arrives."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Receiver(f"http://127.0.0.1:{server.server_port}/callback", arrived)
    finally:
        server.shutdown()
        server.server_close()
