"""Runs one tool call as Lambda does: a process with credentials in its environment that loads the handler and calls it.

    python sandbox_host.py [--ids-begin-anew] [--as-on-lambda] < event > answer

With --ids-begin-anew the user process gets a lower id than this one, as after the kernel's highest; for root alone.
With --as-on-lambda everything runs as one user without root's rights, on a kernel without Landlock. As elsewhere
Lambda's variables say which process it is; the temporary folder is whatever TMPDIR says.
"""

import ctypes
import json
import os
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
USER = 54321
CAP_DAC_READ_SEARCH = 2
ENOSYS = 38


def become_one_user(libc: ctypes.CDLL) -> None:
    """Give up root, save for reading files everywhere: root's interpreter may be closed to others."""
    libc.prctl(8, 1, 0, 0, 0)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)
    bit = 1 << CAP_DAC_READ_SEARCH
    header, data = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
    assert libc.capset(header, data) == 0
    assert libc.prctl(47, 2, CAP_DAC_READ_SEARCH, 0, 0) == 0
    # The parent of all processes has none of these rights on Lambda, and can be read by its user.
    libc.prctl(4, 1, 0, 0, 0)


def hide_landlock(libc: ctypes.CDLL) -> None:
    """Let the kernel say that it has no such calls."""
    import seccomp

    code = [(0x20, 0, 0, 0)]
    for number in (444, 445, 446):
        code += [(0x15, 0, 1, number), (0x06, 0, 0, 0x00050000 | ENOSYS)]
    code.append((0x06, 0, 0, 0x7FFF0000))
    instructions = (seccomp._Instruction * len(code))(*(seccomp._Instruction(*parts) for parts in code))
    program = seccomp._Program(len(code), instructions)
    assert libc.prctl(38, 1, 0, 0, 0) == 0
    assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0


def let_ids_begin_anew() -> None:
    """Let the kernel look for the next id a little below this process's own."""
    Path("/proc/sys/kernel/ns_last_pid").write_text(str(max(300, os.getpid() - 200)))


def peak_kib() -> int:
    """Return the most memory that this program had; getrusage would count what started it, too."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def main() -> None:
    sys.path.insert(0, str(ROOT / "functions" / "tool_sandbox"))
    answers = os.dup(1)
    os.dup2(2, 1)
    if "--ids-begin-anew" in sys.argv:
        let_ids_begin_anew()
    if "--as-on-lambda" in sys.argv:
        libc = ctypes.CDLL(None, use_errno=True)
        if os.geteuid() == 0:
            become_one_user(libc)
        hide_landlock(libc)
    import tool_sandbox
    from process_tree import ProcessTree

    events = json.load(sys.stdin)
    found = [tool_sandbox.lambda_handler(event, Context()) for event in events]
    report = {
        "answers": found,
        "left_processes": ProcessTree(frozenset()).members(),
        "peak_kib": peak_kib(),
        "own_environment": dict(os.environ),
    }
    os.write(answers, json.dumps(report).encode())


if __name__ == "__main__":
    main()
