"""The state survives a kill of the emulator.

AWS: everything is durable.

Stock MiniStack: with PERSIST_STATE=1 state is written only at a clean stop; after SIGKILL everything but the objects
of S3 (S3_PERSIST=1) is gone. What it writes holds the bytes of layers inline.

Here a snapshot is taken every AUTOSAVE_SECONDS (default 2) while there is activity. It is collected on the event loop,
where requests are handled, and encoded and written by a thread; a service whose state did not change is not written.
A snapshot is seconds old after a kill, and not exactly one moment across services: the data path tolerates both, as
every message is a doorbell with a sweeper behind it, and what tables lack is in their journal. Large bytes go to a file
of their own, named by their hash.
"""

import asyncio
import functools
import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ministack.app
from ministack.core import persistence
from ministack.services import lambda_svc

from emulator.corrections import table_journal
from emulator.expectations import expect_parameters, expect_source

logger = logging.getLogger("emulator.autosave")

INTERVAL_SECONDS = float(os.environ.get("AUTOSAVE_SECONDS", "2"))
LARGEST_SHARE_OF_TIME = 0.1
"""A snapshot that takes long is taken less often, so that saving stays below this share of the time."""

INLINE_BYTES = 16 * 1024
"""Larger values of type bytes are stored in files of their own."""

BULKY = frozenset({"cloudwatch", "cloudwatch_logs", "cloudtrail"})
"""Services that grow with every invocation and that nothing depends on: saved at every BULKY_EVERY-th snapshot."""
BULKY_EVERY = 15

type Snapshot = dict[str, Any]


def apply() -> None:
    """Save periodically from the moment the server is up, and let MiniStack's own save at the stop go the same way."""
    if not persistence.PERSIST_STATE:
        return
    expect_source(ministack.app._handle_lifespan, "_MAIN_LOOP = asyncio.get_running_loop()", "save_all(")
    expect_source(persistence.save_state, "default=_json_default", '"__ministack_format__"')
    expect_source(persistence.load_state, "object_hook=_json_object_hook")
    expect_parameters(ministack.app.app, "scope", "receive", "send")
    _store_large_bytes_apart()
    saver = Saver(Path(persistence.STATE_DIR))
    ministack.app.save_all = saver.save_at_stop
    _note_activity(saver)
    threading.Thread(target=saver.run, daemon=True, name="autosave").start()


class Saver:
    """Writes snapshots, each service's state to its own file, and only when it changed."""

    def __init__(self, folder: Path) -> None:
        self.active = threading.Event()
        self._folder = folder
        self._written: dict[str, str] = {}
        self._lock = threading.Lock()
        self._stopped = False
        self._count = 0

    def run(self) -> None:
        """Save for ever; a failure is logged and the next turn tries again."""
        pause_seconds = INTERVAL_SECONDS
        while True:
            time.sleep(pause_seconds)
            self.active.wait()
            self.active.clear()
            started = time.monotonic()
            try:
                self._save_now()
            except Exception:
                logger.exception("autosave failed")
                self.active.set()
            took_seconds = time.monotonic() - started
            pause_seconds = max(INTERVAL_SECONDS, took_seconds / LARGEST_SHARE_OF_TIME)

    def save_at_stop(self, services: dict[str, Callable[[], Any]]) -> None:
        """Save everything one last time; called on the event loop."""
        with self._lock:
            self._stopped = True
            self._write(_collect(services))

    def _save_now(self) -> None:
        loop = ministack.app._MAIN_LOOP
        if loop is None:
            # Still starting: a save now could replace what is about to be restored.
            self.active.set()
            return
        services = ministack.app._build_persistence_save_dict()
        self._count += 1
        if self._count % BULKY_EVERY:
            services = {name: get_state for name, get_state in services.items() if name not in BULKY}
        snapshot = asyncio.run_coroutine_threadsafe(_collect_on_loop(services), loop).result()
        if len(snapshot) < len(services):
            self.active.set()
        with self._lock:
            if not self._stopped:
                self._write(snapshot)

    def _write(self, snapshot: Snapshot) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        for name, state in snapshot.items():
            if state is None:
                continue
            wrapped = {"__ministack_format__": persistence._state_format_version(name), "payload": state}
            text = json.dumps(wrapped, default=persistence._json_default)
            digest = hashlib.sha256(text.encode()).hexdigest()
            if self._written.get(name) != digest:
                _replace_file(self._folder / f"{name}.json", text.encode())
                self._written[name] = digest
            if name == table_journal.SERVICE:
                table_journal.drop_saved(state)


async def _collect_on_loop(services: dict[str, Callable[[], Any]]) -> Snapshot:
    return _collect(services)


def _collect(services: dict[str, Callable[[], Any]]) -> Snapshot:
    """The states of all services; one that cannot be read now keeps what was saved before."""
    snapshot: Snapshot = {}
    for name, get_state in services.items():
        try:
            state = get_state()
        except RuntimeError as error:
            # Another thread changed a dictionary while it was being copied.
            logger.warning("state of %s not read this time: %s", name, error)
            continue
        snapshot[name] = state
    return snapshot


def _note_activity(saver: Saver) -> None:
    """Mark every request but health checks, and every invocation, as a reason to save."""
    stock_app, stock_execute = ministack.app.app, lambda_svc._execute_function

    @functools.wraps(stock_app)
    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await stock_app(scope, receive, send)
        if scope["type"] == "http" and not scope["path"].startswith("/_ministack/"):
            saver.active.set()

    @functools.wraps(stock_execute)
    def execute(function: dict[str, Any], event: Any) -> Any:
        try:
            return stock_execute(function, event)
        finally:
            saver.active.set()

    ministack.app.app = app
    lambda_svc._execute_function = execute


def _store_large_bytes_apart() -> None:
    stock_encode, stock_decode = persistence._json_default, persistence._json_object_hook
    folder = Path(persistence.STATE_DIR) / "bytes"
    names: dict[int, tuple[bytes, str]] = {}

    def encode(value: Any) -> Any:
        if not isinstance(value, bytes) or len(value) <= INLINE_BYTES:
            return stock_encode(value)
        # Keeping the value beside its name keeps its id from being used again.
        if id(value) not in names:
            names[id(value)] = (value, _stored(folder, value))
        return {"__bytes_file__": names[id(value)][1]}

    def decode(value: dict[str, Any]) -> Any:
        if "__bytes_file__" in value:
            return (folder / value["__bytes_file__"]).read_bytes()
        return stock_decode(value)

    persistence._json_default = encode
    persistence._json_object_hook = decode


def _stored(folder: Path, value: bytes) -> str:
    name = hashlib.sha256(value).hexdigest()
    if not (folder / name).exists():
        folder.mkdir(parents=True, exist_ok=True)
        _replace_file(folder / name, value)
    return name


def _replace_file(path: Path, content: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(content)
    fresh.replace(path)
