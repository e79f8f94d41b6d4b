"""System calls that are refused to user code: those that reach processes which are not its own.

A filter sees numbers alone, no memory, so it can't judge an address to connect to. A signal may only go to a process
that came after the user process: the supervisor and Lambda's runtime did not, its own children did. The kernel gives
ids in order and begins anew at its highest (proc(5), pid_max), so these are the ids from its own up to the next one
that was taken already.
"""

import ctypes
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from process_tree import ids_in_use

_PR_SET_SECCOMP: Final = 22
_MODE_FILTER: Final = 2

_LOAD: Final = 0x20
_EQUAL: Final = 0x15
_AT_LEAST: Final = 0x35
_RETURN: Final = 0x06
_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050000 | 1
"""Let the call fail with EPERM."""

_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
"""Offsets in struct seccomp_data; of an argument the lower half."""

_SIGN: Final = 0x80000000
_NEGATIVE: Final = 1 << 32
"""The filter sees -n as this less n."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """Numbers of one processor's system calls.

    Attributes:
        audit: its name in the filter's data (AUDIT_ARCH_*).
        signals: calls whose first argument is the process, thread or group to be signalled.
        limits: prlimit64, whose first argument is a process, 0 for the caller.
        refused: calls that are refused whatever their arguments.
    """

    audit: int
    signals: Sequence[int]
    limits: int
    refused: Sequence[int]


_ARCHITECTURES: Final[Mapping[str, Architecture]] = MappingProxyType(
    {
        "x86_64": Architecture(
            audit=0xC000003E,
            # kill, tkill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo
            signals=(62, 200, 234, 129, 297),
            limits=302,
            refused=(
                *(101, 310, 311),  # ptrace, process_vm_readv, process_vm_writev
                *(424, 434, 438),  # pidfd_send_signal, pidfd_open, pidfd_getfd
                *(
                    105,
                    106,
                    113,
                    114,
                    117,
                    119,
                    126,
                ),  # setuid, setgid, setreuid, setregid, setresuid, setresgid, capset
                *(29, 64, 68, 240, 319),  # shmget, semget, msgget, mq_open, memfd_create: memory that outlives or hides
                *(272, 308, 165, 425, 321, 298),  # unshare, setns, mount, io_uring_setup, bpf, perf_event_open
                *(248, 249, 250),  # add_key, request_key, keyctl
            ),
        ),
        "aarch64": Architecture(
            audit=0xC00000B7,
            signals=(129, 130, 131, 138, 240),
            limits=261,
            refused=(
                *(117, 270, 271),
                *(424, 434, 438),
                *(146, 144, 145, 143, 147, 149, 91),
                *(194, 190, 186, 180, 279),
                *(97, 268, 40, 425, 280, 241),
                *(217, 218, 219),
            ),
        ),
    }
)


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("if_true", ctypes.c_ubyte),
        ("if_false", ctypes.c_ubyte),
        ("value", ctypes.c_uint),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction)))


type _Code = list[tuple[int, int, int, int]]


def restrict(libc: ctypes.CDLL) -> bool:
    """Install the filter for this process and all it starts; False where the kernel or the processor has none."""
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None:
        return False
    code = filter_for(architecture, ids_after(os.getpid(), ids_in_use()))
    instructions = (_Instruction * len(code))(*(_Instruction(*parts) for parts in code))
    program = _Program(len(code), instructions)
    return bool(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def ids_after(own: int, in_use: Iterable[int]) -> range:
    """Return the ids that the kernel can only have given to processes which came after `own`, and that one itself."""
    return range(own, min((taken for taken in in_use if taken > own), default=_SIGN))


def filter_for(architecture: Architecture, signalled: range) -> _Code:
    """Return the filter's instructions; `signalled` are the ids of processes and groups that may be.

    A jump counts instructions from the next one; every check here jumps over its own verdict or goes on.
    """
    code: _Code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture.audit),
        (_RETURN, 0, 0, _REFUSE),
        (_LOAD, 0, 0, _NUMBER),
        # Calls of the x32 kind have numbers of their own that begin here; no filter for them, so none of them.
        (_AT_LEAST, 0, 1, 0x40000000),
        (_RETURN, 0, 0, _REFUSE),
    ]
    for number in architecture.refused:
        code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    for number in (*architecture.signals, architecture.limits):
        code += _only_to(signalled, number)
    return [*code, (_RETURN, 0, 0, _ALLOW)]


def _only_to(ids: range, number: int) -> _Code:
    """Admit 0, which is the caller or its group, these ids, and these groups, which are negative."""
    return [
        (_EQUAL, 0, 9, number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_EQUAL, 5, 0, 0),
        (_AT_LEAST, 0, 2, _SIGN),
        (_AT_LEAST, 4, 0, _NEGATIVE - ids.start + 1),
        (_AT_LEAST, 2, 3, _NEGATIVE - ids.stop + 1),
        (_AT_LEAST, 2, 0, ids.stop),
        (_AT_LEAST, 0, 1, ids.start),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
