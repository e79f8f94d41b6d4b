"""The folder that a tool call works in: fresh, its own, and gone afterwards with whatever the code put there."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

_ON_LAMBDA: Final = "/var/task"
_TEMPORARY: Final = "/tmp"  # noqa: S108 -- the one place of Lambda that can be written to


@contextmanager
def scratch_folder(owner: int) -> Iterator[Path]:
    """Make the folder for a user, and remove it.

    On Lambda all of /tmp goes afterwards, since nothing else lives there: user code may write anywhere in it.
    """
    path = Path(tempfile.mkdtemp(prefix="tool-"))
    try:
        os.chown(path, owner, -1)
        yield path
    finally:
        _remove(path)
        if os.environ.get("LAMBDA_TASK_ROOT") == _ON_LAMBDA and os.environ.get("_HANDLER"):
            for entry in os.scandir(_TEMPORARY):
                _remove(Path(entry.path))


def size_of(folder: Path, most_files: int) -> tuple[int, int]:
    """Return files and bytes in the folder, counting no further than one file beyond `most_files`."""
    files, size, pending = 0, 0, [os.fspath(folder)]
    while pending and files <= most_files:
        with suppress(OSError), os.scandir(pending.pop()) as entries:
            for entry in entries:
                files += 1
                if files > most_files:
                    break
                with suppress(OSError):
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
    return files, size


def _remove(path: Path) -> None:
    if not path.is_dir() or path.is_symlink():
        with suppress(OSError):
            path.unlink()
        return
    shutil.rmtree(path, onexc=_open_and_repeat)


def _open_and_repeat(function: Any, name: str, _error: BaseException) -> None:
    """Take back the rights that the code took from its own folder, and remove it then."""
    with suppress(OSError):
        for opened in (Path(name).parent, Path(name)):
            if not opened.is_symlink():
                opened.chmod(stat.S_IRWXU)
        if Path(name).is_dir() and not Path(name).is_symlink():
            shutil.rmtree(name, ignore_errors=True)
        elif function is not os.open:
            Path(name).unlink()
