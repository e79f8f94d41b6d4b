"""What a table answered to have written is there after a kill.

AWS: an acknowledged write is durable.

MiniStack, even with autosave, forgets the writes since the newest snapshot, a few seconds of them. A client that was
told its run is accepted would look for it in vain.

Here every successful write is appended to a journal before it is answered; a restart does again, in the same order,
what came after the snapshot. Writes come one at a time, and a snapshot is taken between two of them, so the same
writes on the same state give the same tables. Stream records of writes that are done again appear again: a stream is
read at least once anyway. Written is to the operating system, which outlives the process, not to the disk.
"""

import functools
import json
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ministack.core import persistence
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import dynamodb

from emulator.expectations import expect_parameters, expect_source

logger = logging.getLogger("emulator.table_journal")

SERVICE = "dynamodb"
"""Name of the state that the journal completes."""
GENERATION = "journal_generation"
"""In that state: the first journal whose writes it does not hold yet."""
WRITES = ("_put_item", "_update_item", "_delete_item", "_batch_write_item", "_transact_write_items")

type Handler = Callable[[dict[str, Any]], tuple[Any, ...]]


def apply() -> None:
    """Keep the journal beside the state, and do its writes again when the state is restored."""
    if not persistence.PERSIST_STATE:
        return
    expect_source(dynamodb.handle_request, "status, resp_headers, resp_body = handler(data)")
    journal = Journal(journal_folder())
    handlers: dict[str, Handler] = {name: getattr(dynamodb, name) for name in WRITES}
    for name, handler in handlers.items():
        expect_parameters(handler, "data")
        setattr(dynamodb, name, _journaled(journal, name, handler))
    stock_save, stock_restore = dynamodb.get_state, dynamodb.load_persisted_state

    @functools.wraps(stock_save)
    def get_state() -> dict[str, Any]:
        with journal.lock:
            return {**stock_save(), GENERATION: journal.begin_generation()}

    @functools.wraps(stock_restore)
    def load_persisted_state(data: dict[str, Any]) -> None:
        stock_restore(data)
        _write_again(handlers, journal.since(data.get(GENERATION, 0)))

    dynamodb.get_state = get_state
    dynamodb.load_persisted_state = load_persisted_state


def drop_saved(state: dict[str, Any]) -> None:
    """Delete the journals whose writes are in a state that is stored by now."""
    for path in _journals(journal_folder()):
        if int(path.stem) < state.get(GENERATION, 0):
            path.unlink()


def journal_folder() -> Path:
    return Path(persistence.STATE_DIR) / "journal"


class Journal:
    """Files of one generation each: a snapshot begins a new one."""

    def __init__(self, folder: Path) -> None:
        self.lock = threading.RLock()
        self._folder = folder
        self._generation = max((int(path.stem) for path in _journals(folder)), default=0) + 1

    def append(self, entry: str) -> None:
        """Keep one write. A process that dies at this leaves half a line at the most, of a write never answered."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with self._path().open("ab", buffering=0) as file:
            file.write(entry.encode() + b"\n")

    def begin_generation(self) -> int:
        """Return the generation to which all further writes go; the same again while there were none."""
        if self._path().exists():
            self._generation += 1
        return self._generation

    def since(self, generation: int) -> Iterator[dict[str, Any]]:
        """Yield the writes of this generation and of those after it, oldest first."""
        for path in _journals(self._folder):
            if int(path.stem) >= generation:
                yield from _entries(path)

    def _path(self) -> Path:
        return self._folder / f"{self._generation:08d}.jsonl"


def _journals(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jsonl"))


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_bytes().splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return


def _journaled(journal: Journal, name: str, handler: Handler) -> Handler:
    @functools.wraps(handler)
    def handle(data: dict[str, Any]) -> tuple[Any, ...]:
        # Encoded before the handler, which may change what it is given.
        entry = json.dumps({"write": name, "data": data, "scope": [get_account_id(), get_region()]})
        with journal.lock:
            answer = handler(data)
            if answer[0] == 200:
                journal.append(entry)
        return answer

    return handle


def _write_again(handlers: dict[str, Handler], entries: Iterator[dict[str, Any]]) -> None:
    done = refused = 0
    for entry in entries:
        with request_scope(*entry["scope"]):
            status = handlers[entry["write"]](entry["data"])[0]
        done += status == 200
        refused += status != 200
    if done or refused:
        logger.info("%d writes of the journal done again, %d refused", done, refused)
