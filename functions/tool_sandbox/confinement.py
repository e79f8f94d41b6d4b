"""Takes from the user process, before any user code is in it, what user code must not have.

Runs in the user process itself, which can only lose rights by it, and is inherited by all it starts. Limits of
resources always hold. The rest depends on what the kernel offers; each part says whether it took hold.
"""

import ctypes
import os
import resource
import signal
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import landlock
import seccomp

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_CAPABILITY_VERSION: Final = 0x20080522
_NO_CORE: Final = 0


def confine(request: Mapping[str, Any], folder: Path) -> list[str]:
    """Confine this process and return the names of the parts that took hold."""
    libc = ctypes.CDLL(None, use_errno=True)
    limit_resources(request["limits"])
    _give_up_root(libc, request["user"], request["file_user"])
    # Were the supervisor to end, nobody would watch: the kernel ends this process with it.
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return ["limits"]
    # The filter first: it is made from /proc, which Landlock closes, and refuses nothing that Landlock needs.
    taken = {"seccomp": seccomp.restrict(libc), "landlock": landlock.restrict(libc, folder)}
    return ["limits", *(name for name, took_hold in taken.items() if took_hold)]


def limit_resources(limits: Mapping[str, Any]) -> None:
    """Set the limits of this process and of each one it starts (setrlimit(2))."""
    seconds = int(limits["seconds"]) + 1
    wanted = {
        resource.RLIMIT_AS: limits["memory_bytes"],
        resource.RLIMIT_CORE: _NO_CORE,
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_NPROC: limits["processes"],
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        most = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (most, most))
    # SIGXCPU comes at the soft limit and SIGKILL, which can't be ignored, at the hard one.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def _give_up_root(libc: ctypes.CDLL, user: int, file_user: int) -> None:
    """Drop root's rights where the process has them, which is not so on Lambda.

    The real user is nobody even where the interpreter is root's alone to read: limits of processes are not for root.
    """
    if os.geteuid() != 0:
        return
    with suppress(OSError):
        os.setgroups([])
    if file_user != 0:
        os.setresgid(file_user, file_user, file_user)
    os.setresuid(user, file_user, file_user)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())
