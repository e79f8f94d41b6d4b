"""A real HTTP server that plays model providers on 127.0.0.1, so that adapters are tried with their own SDKs.

Beside the providers' paths it has its own, for tests that run it as a process:

* `GET /_requests`     every request to a provider's path, oldest first; `?model=` for one model's
* `POST /_script`      answers or a rule, see `Script.replace_from_json`
* `POST /_forget`      empty the log of requests
"""

import threading
from collections.abc import Iterable
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Self

from support.scripted_model.answers import Answer
from support.scripted_model.handler import ModelHandler
from support.scripted_model.rules import Rule
from support.scripted_model.script import Script
from support.scripted_model.seen import SeenRequest


class ModelServer(ThreadingHTTPServer):
    """The listening socket with what its handlers share."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, script: Script, port: int = 0, api_key: str | None = None, *, is_strict: bool = True) -> None:
        super().__init__(("127.0.0.1", port), ModelHandler)
        self.script = script
        self.api_key = api_key
        self.is_strict = is_strict
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._seen: list[SeenRequest] = []

    def remember(self, seen: SeenRequest) -> None:
        """Add to the log."""
        with self._lock:
            self._seen.append(seen)

    def seen(self, model: str | None = None) -> list[SeenRequest]:
        """Return the log, or the part of it that asked this model."""
        with self._lock:
            return [seen for seen in self._seen if model in {None, seen.model}]

    def forget(self) -> None:
        """Empty the log."""
        with self._lock:
            self._seen.clear()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class ScriptedModel:
    """The server inside a test: `with ScriptedModel(Reply("hello")) as provider: …`.

    Args:
        answers: given in this order, whoever asks.
        rule: answers when they are used up; without one, further requests get a 400.
        api_key: the only bearer token let in, None lets everybody in.
        is_strict: refuse requests that a real provider would refuse.
    """

    def __init__(
        self,
        *answers: Answer,
        rule: Rule | None = None,
        api_key: str | None = None,
        is_strict: bool = True,
    ) -> None:
        self._script = Script(answers, rule)
        self._server = ModelServer(self._script, api_key=api_key, is_strict=is_strict)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Return the root, which Bedrock's endpoint is."""
        return self._server.url

    @property
    def openai_base_url(self) -> str:
        return f"{self._server.url}/v1"

    @property
    def requests(self) -> list[SeenRequest]:
        """Return every request to a provider's path so far, oldest first."""
        return self._server.seen()

    def requests_of(self, model: str) -> list[SeenRequest]:
        """Return the requests that asked this model, oldest first."""
        return self._server.seen(model)

    def play_for(self, model: str, answers: Iterable[Answer] = (), rule: Rule | None = None) -> None:
        """Give one model id a script of its own, so that tests on one server don't take each other's answers."""
        self._script.replace(answers, rule, model)

    def play(self, answers: Iterable[Answer] = (), rule: Rule | None = None) -> None:
        """Put a new script in the place of the present one."""
        self._script.replace(answers, rule)
