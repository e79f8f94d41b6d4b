"""One HTTP exchange of the scripted model: find the protocol, check, record, take the next answer, send it."""

import json
import socket
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, Final, assert_never, cast
from urllib.parse import parse_qs, urlsplit

from support.scripted_model.answers import Answer, Drop, ErrorReply, RawReply, Reply
from support.scripted_model.anthropic_messages import AnthropicMessages
from support.scripted_model.chat_completions import ChatCompletions
from support.scripted_model.converse import Converse
from support.scripted_model.responses import Responses
from support.scripted_model.seen import SeenRequest
from support.scripted_model.sglang_generate import SGLangGenerate
from support.scripted_model.wire import WireProtocol

if TYPE_CHECKING:
    from support.scripted_model.server import ModelServer

PROTOCOLS: Final[tuple[WireProtocol, ...]] = (
    ChatCompletions(),
    Responses(),
    AnthropicMessages(),
    Converse(),
    SGLangGenerate(),
)

_PROMISED_BYTES = 10_000
"""Announced by a connection that is dropped in the middle of its body."""


class ModelHandler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 with kept connections, as providers do."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def _model_server(self) -> "ModelServer":
        return cast("ModelServer", self.server)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class calls it so
        """Stay silent."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path != "/_requests":
            self._send_json(404, {"detail": "Not Found"})
            return
        model = parse_qs(url.query).get("model", [None])[0]
        self._send_json(200, [seen.to_json() for seen in self._model_server.seen(model)])

    def do_POST(self) -> None:
        body = self._read_body()
        match self.path:
            case "/_script":
                self._replace_script(body)
            case "/_forget":
                self._model_server.forget()
                self._send_json(200, {})
            case _:
                self._play(body)

    def _read_body(self) -> Any:
        try:
            return json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        except ValueError:
            return None

    def _replace_script(self, body: Any) -> None:
        try:
            self._model_server.script.replace_from_json(body)
        except (AttributeError, KeyError, TypeError) as error:
            self._send_json(422, {"detail": f"not a script: {error!r}"})
        else:
            self._send_json(200, {})

    def _play(self, body: Any) -> None:
        path = urlsplit(self.path).path
        protocol = next((protocol for protocol in PROTOCOLS if protocol.serves(path)), None)
        if protocol is None:
            self._send_json(404, {"detail": "Not Found"})
            return
        seen = self._see(protocol, path, body if isinstance(body, dict) else {})
        self._model_server.remember(seen)
        answer = self._refusal(protocol, seen) or self._model_server.script.next_answer(seen)
        if not self._model_server.stopping.wait(answer.delay_seconds):
            self._send_answer(protocol, seen, answer)

    def _see(self, protocol: WireProtocol, path: str, body: Mapping[str, Any]) -> SeenRequest:
        is_sound = protocol.find_violation(body) is None
        return SeenRequest(
            protocol=protocol.name,
            path=path,
            headers={name.lower(): value for name, value in self.headers.items()},
            body=body,
            model=protocol.model_of(path, body),
            turns=tuple(protocol.read_turns(body)) if is_sound else (),
        )

    def _refusal(self, protocol: WireProtocol, seen: SeenRequest) -> ErrorReply | None:
        """Return the error that a real provider would give before it asks its model, None when there is none."""
        api_key = self._model_server.api_key
        sent_key = seen.headers.get("x-api-key") or seen.headers.get("authorization", "").removeprefix("Bearer ")
        if api_key is not None and sent_key != api_key:
            return ErrorReply(401, "Incorrect API key provided.", "invalid_api_key")
        violation = protocol.find_violation(seen.body) if self._model_server.is_strict else None
        return ErrorReply(400, violation) if violation else None

    def _send_answer(self, protocol: WireProtocol, seen: SeenRequest, answer: Answer) -> None:
        match answer:
            case Reply():
                body = json.dumps(protocol.render_reply(answer, seen)).encode()
                self._send(200, body, byte_interval_seconds=answer.byte_interval_seconds)
            case ErrorReply():
                shape, headers = protocol.render_error(answer)
                self._send(answer.status, json.dumps(shape).encode(), {**headers, **answer.headers})
            case RawReply():
                self._send(answer.status, answer.body.encode(), {"Content-Type": answer.content_type})
            case Drop():
                self._drop(answer.sent_bytes)
            case _:
                assert_never(answer)

    def _send_json(self, status: int, body: Any) -> None:
        self._send(status, json.dumps(body).encode())

    def _send(
        self,
        status: int,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        *,
        byte_interval_seconds: float = 0,
    ) -> None:
        self.send_response(status)
        all_headers = {"Content-Type": "application/json", **(headers or {}), "Content-Length": str(len(body))}
        for name, value in all_headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            self._write(body, byte_interval_seconds)
        except ConnectionError:
            # The caller gave up, which is what a test of its deadline is about.
            self.close_connection = True

    def _write(self, body: bytes, byte_interval_seconds: float) -> None:
        if not byte_interval_seconds:
            self.wfile.write(body)
            return
        for place in range(len(body)):
            if self._model_server.stopping.wait(byte_interval_seconds):
                return
            self.wfile.write(body[place : place + 1])

    def _drop(self, sent_bytes: int) -> None:
        if sent_bytes:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(_PROMISED_BYTES))
            self.end_headers()
            self.wfile.write(b" " * sent_bytes)
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)
