"""Makes this process, which Lambda gave credentials to, unreadable for the user code that will run beside it.

On Lambda all processes have one user, so file permissions protect nothing: `/proc/<pid>/environ` and `mem` of a process
are open to every other of its user. Two things close them. A process that is not dumpable belongs to root as far as
/proc and ptrace are concerned. And the values are gone: from `os.environ`, and from the memory in which the kernel
passed them, which `unsetenv` leaves as it was.
"""

import ctypes
import os
from contextlib import suppress
from typing import Final

KEPT: Final = frozenset(
    {
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_LAMBDA_TASK_ROOT",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "LD_LIBRARY_PATH",
        "PATH",
        "TMPDIR",
        "TZ",
        "_HANDLER",
        "_LAMBDA_TIMEOUT",
    }
)
"""Variables that the runtime, or the embedded AWS, reads again while it runs; none of them is a secret."""

_PR_SET_DUMPABLE: Final = 4
_PR_SET_CHILD_SUBREAPER: Final = 36
_ENV_START, _ENV_END = 47, 48
"""Places of env_start and env_end (fields 50 and 51) among those that follow the name in /proc/self/stat, proc(5)."""


def shield() -> None:
    """Close this process to others of its user, and forget the credentials. Safe to repeat.

    Only in a process that Lambda, or what stands in for it, started for this function: a test that loads the module
    into its own process keeps its environment.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        _forget_environment()


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, so that a double fork hides nothing."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _forget_environment() -> None:
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    region = _environment_region()
    os.environ.clear()
    # Nothing points into the region now: what is kept is stored anew afterwards, in memory of its own.
    if region is not None:
        start, end = region
        ctypes.memset(start, 0, end - start)
    os.environ.update(kept)


def _environment_region() -> tuple[int, int] | None:
    """Return the addresses between which the kernel put the environment, None where it doesn't say."""
    with suppress(OSError, ValueError, IndexError):
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        start, end = int(fields[_ENV_START]), int(fields[_ENV_END])
        if 0 < start < end:
            return start, end
    return None
