"""Which files user code may reach, where the kernel has Landlock (Linux 5.13; Lambda's, 5.10, does not yet).

It may write below its own folder and read what programs need: the interpreter, the system's libraries, certificates.
Where the supervisor runs on somebody's own machine, home folders, other processes in /proc and their credentials are
thereby out of reach, whoever owns them.
"""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG: Final = 1
_PATH_BENEATH: Final = 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1, 1 << 1, 1 << 2, 1 << 3
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15
_READ: Final = _EXECUTE | _READ_FILE | _READ_FOLDER
_ACCESS_BITS: Final = {1: 13, 2: 14, 3: 15, 4: 15}
"""Kinds of access that a version knows; 16 from version 5 on."""

_SCOPED_SOCKETS_AND_SIGNALS: Final = 0b11
"""From version 6 on: no signal and no abstract socket leads out of the domain."""

READABLE: Final = (
    *("/bin", "/lib", "/lib64", "/sbin", "/usr", "/var/lang"),
    *("/etc/alternatives", "/etc/ca-certificates", "/etc/gai.conf", "/etc/group", "/etc/host.conf", "/etc/hosts"),
    *("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/passwd"),
    *("/etc/pki", "/etc/protocols", "/etc/resolv.conf", "/etc/services", "/etc/ssl", "/etc/timezone"),
    *("/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/self", "/sys/devices/system/cpu"),
)


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


def restrict(libc: ctypes.CDLL, folder: Path) -> bool:
    """Restrict this process and all it starts; False where the kernel has no Landlock."""
    version = libc.syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    if version < 1:
        return False
    handled = (1 << _ACCESS_BITS.get(version, 16)) - 1
    attributes = _Ruleset(handled, 0, _SCOPED_SOCKETS_AND_SIGNALS if version >= 6 else 0)
    size = 24 if version >= 6 else 8
    ruleset = libc.syscall(_CREATE_RULESET, ctypes.byref(attributes), size, 0)
    if ruleset < 0:
        return False
    try:
        for path, access in _rules(folder, handled):
            _admit(libc, ruleset, path, access & handled)
        return bool(libc.syscall(_RESTRICT_SELF, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _rules(folder: Path, handled: int) -> Iterator[tuple[str, int]]:
    yield str(folder), handled
    yield "/dev/null", _READ_FILE | _WRITE_FILE
    for path in dict.fromkeys((*READABLE, sys.base_prefix, sys.prefix)):
        yield path, _READ


def _admit(libc: ctypes.CDLL, ruleset: int, path: str, access: int) -> None:
    """Add a rule for a path that exists, following links: a path is judged by where it leads."""
    with suppress(OSError):
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            allowed = access if Path(path).is_dir() else access & _OF_FILES
            rule = _PathRule(allowed, opened)
            libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
        finally:
            os.close(opened)
