"""What a person sees: one line per step with the seconds it took, and errors that name the next action."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REMIND_SECONDS = 10
"""A step that takes longer says so at this interval."""


class StackError(Exception):
    """A failure that its reader can act on; its message says what happened and what to do."""


@dataclass
class Progress:
    """What a step has to say when it ends."""

    result: str = "done"


@contextmanager
def step(name: str, subject: str) -> Iterator[Progress]:
    """Show that a step begins, that it goes on, and how it ended."""
    progress, started, ended = Progress(), time.monotonic(), threading.Event()
    say(f"{name:<11} {subject} ...")
    reminder = threading.Thread(target=_remind, args=(name, started, ended), daemon=True)
    reminder.start()
    try:
        yield progress
    except BaseException:
        progress.result = "failed"
        raise
    finally:
        ended.set()
        reminder.join()
        say(f"{name:<11} {progress.result} ({time.monotonic() - started:.1f} s)")


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def tail(log_file: Path, lines: int = 15) -> str:
    """The last lines of a log, indented, for an error message."""
    text = log_file.read_text(errors="replace") if log_file.exists() else ""
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines()[-lines:])


def _remind(name: str, started: float, ended: threading.Event) -> None:
    while not ended.wait(REMIND_SECONDS):
        say(f"{name:<11} still running ({time.monotonic() - started:.0f} s)")
