"""What a tool call may use. The same numbers are set as limits of its processes and watched over all of them."""

import os
from dataclasses import dataclass
from typing import Any, Final, Self

MIB: Final = 1024 * 1024

_OWN_MEMORY_MIB: Final = 192
"""What Lambda's runtime, this process and the interpreter of the tool take of the function's memory."""

_DEFAULT_MEMORY_MIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one call.

    Attributes:
        seconds: of wall-clock time, and of processor time for each process.
        memory_bytes: address space of each process, and memory of all together.
        processes: processes and threads at once.
        file_bytes: of one file, and half of what all files of the working folder may hold.
        output_chars: of stdout and of stderr that are kept; the rest is read and dropped.
    """

    seconds: float
    memory_bytes: int
    processes: int = 64
    open_files: int = 256
    file_bytes: int = 64 * MIB
    folder_files: int = 10_000
    output_chars: int = 100_000

    @classmethod
    def of_call(cls, timeout_seconds: float, longest_seconds: float) -> Self:
        """Return the limits for the time that the caller gives, and the memory that the function has."""
        memory_mib = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", _DEFAULT_MEMORY_MIB))
        seconds = max(0.1, min(timeout_seconds, longest_seconds))
        return cls(seconds=seconds, memory_bytes=max(128, memory_mib - _OWN_MEMORY_MIB) * MIB)

    @property
    def folder_bytes(self) -> int:
        return 2 * self.file_bytes

    def to_json(self) -> dict[str, Any]:
        return {
            "seconds": self.seconds,
            "memory_bytes": self.memory_bytes,
            "processes": self.processes,
            "open_files": self.open_files,
            "file_bytes": self.file_bytes,
        }
