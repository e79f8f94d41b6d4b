"""The processes that a tool call started, wherever they fled to, and their end.

They are the children that this process did not have before, and theirs. Sessions, process groups and double forks
change nothing of that, since this process is the subreaper: an orphan becomes its child (prctl(2)).
"""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

PATIENCE_SECONDS: Final = 3.0
"""How long killing is repeated; a killed process that still waits for a device is left to the kernel."""

_PARENT, _GROUP, _SESSION = 1, 2, 3
"""Places of ppid, pgrp and session (fields 4 to 6) among those that follow the name in /proc/<pid>/stat, proc(5)."""


@dataclass(frozen=True, slots=True)
class Use:
    """What a tree of processes uses together."""

    processes: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class ProcessTree:
    """All processes that came from this one since `earlier` was taken.

    Attributes:
        earlier: children that this process had before; none of the call's.
    """

    earlier: frozenset[int]

    @classmethod
    def begin(cls) -> "ProcessTree":
        """Look at the children of now; whatever is added to them later belongs to the tree."""
        return cls(frozenset(_children_by_parent().get(os.getpid(), ())))

    def members(self) -> list[int]:
        """Return the tree's process ids, parents first; also of those that ended and were not waited for."""
        children = _children_by_parent()
        found = [pid for pid in children.get(os.getpid(), ()) if pid not in self.earlier]
        for pid in found:
            found.extend(children.get(pid, ()))
        return found

    def use(self) -> Use:
        """Return how much the tree uses now."""
        members = self.members()
        return Use(len(members), sum(map(_memory_bytes, members)))

    def kill(self) -> bool:
        """End every process of the tree; False if one outlived all patience.

        They are stopped before they are killed: a stopped process starts no other, and while it is there its place
        counts against the limit of processes, so that even those that multiply come to an end.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            stopped = set[int]()
            while (members := set(self.members())) - stopped and time.monotonic() < deadline:
                _signal_all(members - stopped, signal.SIGSTOP)
                stopped |= members
            if not members:
                return True
            _signal_all(members, signal.SIGKILL)
            self._reap()
        return not self.members()

    def _reap(self) -> None:
        """Wait for those that are this process's own children, its new orphans included."""
        for pid in self.members():
            with suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.002)


def count_threads_of(user_id: int) -> int:
    """Return how many threads the user has, which is what a limit of processes counts."""
    return sum(threads for owner, threads in _owners() if owner == user_id)


def ids_in_use() -> set[int]:
    """Return the ids that the kernel gives to nothing new now: of processes, their threads, groups and sessions."""
    taken = set[int]()
    for pid in _process_ids():
        with suppress(OSError, ValueError, IndexError):
            taken |= {pid, *map(int, _stat(pid)[_GROUP : _SESSION + 1]), *map(int, os.listdir(f"/proc/{pid}/task"))}
    return taken


def _owners() -> Iterator[tuple[int, int]]:
    for pid in _process_ids():
        with suppress(OSError, ValueError, KeyError):
            fields = _status(pid)
            yield int(fields[b"Uid"].split()[0]), int(fields[b"Threads"])


def _status(pid: int) -> dict[bytes, bytes]:
    with open(f"/proc/{pid}/status", "rb") as file:
        return dict(line.split(b":", 1) for line in file if b":" in line)


def _children_by_parent() -> Mapping[int, list[int]]:
    children: dict[int, list[int]] = {}
    for pid in _process_ids():
        with suppress(OSError, ValueError, IndexError):
            children.setdefault(int(_stat(pid)[_PARENT]), []).append(pid)
    return children


def _stat(pid: int) -> list[bytes]:
    """Return what /proc/<pid>/stat says after the name, which may hold anything; field 3 of proc(5) comes first."""
    with open(f"/proc/{pid}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].split()


def _process_ids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _memory_bytes(pid: int) -> int:
    """Return what the process holds in memory beside the pages of files."""
    with suppress(OSError, ValueError):
        return sum(int(_status(pid).get(field, b"0").split()[0]) for field in (b"RssAnon", b"RssShmem")) * 1024
    return 0


def _signal_all(members: set[int], number: signal.Signals) -> None:
    for pid in members:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
