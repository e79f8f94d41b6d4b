"""Watches a user process: feeds it, reads all it writes without keeping more than it may, and ends it at a limit."""

import enum
import os
import selectors
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, cast

from limits import Limits
from process_tree import ProcessTree
from scratch_folder import size_of

INTERVAL_SECONDS: Final = 0.05
"""Between two looks at what the processes use together."""

_CHUNK_BYTES: Final = 256 * 1024

_DRAIN_BYTES: Final = 4 * 1024 * 1024
"""Read from each pipe after all writers ended; more than a pipe holds."""

_RESULT_BYTES: Final = 8 * 1024 * 1024
"""Above this a result is none: its text has a limit of its own, a million characters."""


class Ending(enum.Enum):
    """What ended a call: the code itself, or a limit."""

    TOOL = "tool"
    TIME = "time"
    MEMORY = "memory"
    PROCESSES = "processes"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of the user process.

    Attributes:
        result: bytes from its result pipe, whatever they are.
        exit_code: as subprocess has it, negative for a signal.
    """

    ending: Ending
    exit_code: int
    result: bytes
    stdout: str
    stderr: str


class Kept:
    """The beginning of what came through a pipe, and how much there was."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._data = bytearray()
        self._total_bytes = 0

    def add(self, data: bytes) -> None:
        """Keep what there is still room for."""
        self._total_bytes += len(data)
        self._data += data[: max(0, self._limit_bytes - len(self._data))]

    def to_bytes(self) -> bytes:
        """Return what was kept; nothing when that isn't all."""
        return b"" if self._total_bytes > self._limit_bytes else bytes(self._data)

    def to_text(self, limit_chars: int) -> str:
        """Return it as text of so many characters, with a remark when that isn't all."""
        text = self._data.decode("utf-8", "replace")
        if self._total_bytes == len(self._data) and len(text) <= limit_chars:
            return text
        return f"{text[:limit_chars]}... [NOTE: output was truncated, {self._total_bytes} bytes were written]"


class Watch:
    """One user process, from its start to the end of its last descendant."""

    def __init__(
        self, process: subprocess.Popen[bytes], result: int, limits: Limits, tree: ProcessTree, folder: Path
    ) -> None:
        self._process = process
        self._limits = limits
        self._tree = tree
        self._folder = folder
        self._exit = os.pidfd_open(process.pid)
        self._result = result
        self._selector = selectors.DefaultSelector()
        self._pipes = [cast("IO[bytes]", pipe) for pipe in (process.stdin, process.stdout, process.stderr)]
        self._stdin, stdout, stderr = (pipe.fileno() for pipe in self._pipes)
        self._pending = memoryview(b"")
        output_bytes = 4 * limits.output_chars
        self._kept = {stdout: Kept(output_bytes), stderr: Kept(output_bytes), result: Kept(_RESULT_BYTES)}

    def until_end(self, request: bytes) -> Seen:
        """Hand the request over and return when nothing of the call is left."""
        deadline = time.monotonic() + self._limits.seconds
        self._begin(request)
        ending = self._wait(deadline)
        self._tree.kill()
        exit_code = self._process.poll()
        for pipe in self._kept:
            self._drain(pipe)
        stdout, stderr, result = self._kept.values()
        chars = self._limits.output_chars
        return Seen(
            ending,
            exit_code if exit_code is not None else -9,
            result.to_bytes(),
            stdout.to_text(chars),
            stderr.to_text(chars),
        )

    def close(self) -> None:
        """Close every descriptor."""
        self._selector.close()
        for pipe in self._pipes:
            pipe.close()
        os.close(self._exit)
        os.close(self._result)

    def _begin(self, request: bytes) -> None:
        self._pending = memoryview(request)
        os.set_blocking(self._stdin, False)
        self._selector.register(self._stdin, selectors.EVENT_WRITE)
        self._selector.register(self._exit, selectors.EVENT_READ)
        for pipe in self._kept:
            os.set_blocking(pipe, False)
            self._selector.register(pipe, selectors.EVENT_READ)

    def _wait(self, deadline: float) -> Ending:
        next_look = 0.0
        while True:
            now = time.monotonic()
            if now >= deadline:
                return Ending.TIME
            if now >= next_look:
                if (over := self._limit_passed()) is not None:
                    return over
                next_look = time.monotonic() + INTERVAL_SECONDS
            for key, _ in self._selector.select(min(INTERVAL_SECONDS, deadline - now)):
                if key.fd == self._exit:
                    self._process.wait()
                    return Ending.TOOL
                self._move(key.fd)

    def _limit_passed(self) -> Ending | None:
        use = self._tree.use()
        if use.processes > self._limits.processes:
            return Ending.PROCESSES
        if use.memory_bytes > self._limits.memory_bytes:
            return Ending.MEMORY
        files, size = size_of(self._folder, self._limits.folder_files)
        return Ending.FILES if files > self._limits.folder_files or size > self._limits.folder_bytes else None

    def _move(self, pipe: int) -> None:
        if pipe == self._stdin:
            self._feed()
        elif not self._read(pipe):
            self._selector.unregister(pipe)

    def _feed(self) -> None:
        try:
            self._pending = self._pending[os.write(self._stdin, self._pending[:_CHUNK_BYTES]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._pending = memoryview(b"")
        if not self._pending:
            self._selector.unregister(self._stdin)
            self._pipes[0].close()

    def _read(self, pipe: int) -> bool:
        """Read once; False at the end of the pipe."""
        try:
            data = os.read(pipe, _CHUNK_BYTES)
        except BlockingIOError:
            return True
        self._kept[pipe].add(data)
        return bool(data)

    def _drain(self, pipe: int) -> None:
        """Read what the writers left; a pipe that is merely empty has no writer that is alive."""
        for _ in range(_DRAIN_BYTES // _CHUNK_BYTES):
            try:
                data = os.read(pipe, _CHUNK_BYTES)
            except BlockingIOError:
                return
            if not data:
                return
            self._kept[pipe].add(data)
