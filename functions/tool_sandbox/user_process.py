"""The process in which user code runs: confines itself, calls the tool, writes what came of it to a pipe.

Started as a script by tool_call.py with no environment, no site-packages and the request on its standard input. What
it prints is the tool's; what it writes to the pipe is believed as far as user code may be, which shares the process.
"""

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import confinement
import tool_code

del sys.path[0]


def main() -> None:
    """Read, confine, call, write, end at once: threads that user code left are not waited for."""
    result_pipe = int(sys.argv.pop())
    os.set_inheritable(result_pipe, False)
    sys.argv[:] = ["tool"]
    with os.fdopen(0, "rb", closefd=False) as requests:
        request = json.load(requests)
    _close_input()
    process_id = os.getpid()
    outcome = _prepare_and_call(request)
    if os.getpid() != process_id:
        # The code forked, and this is the copy: the result is the other's to give.
        os._exit(1)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    _write(result_pipe, json.dumps(outcome, ensure_ascii=False).encode("utf-8", "replace"))
    os._exit(0)


def _prepare_and_call(request: dict[str, Any]) -> dict[str, Any]:
    confined_by = confinement.confine(request, Path.cwd())
    call = tool_code.Call(
        request["source_code"],
        request["function_name"],
        request["arguments"],
        request["agent_state"],
        int(request["return_char_limit"]),
    )
    try:
        os.environ.clear()
        os.environ.update(request.pop("environment"))
    except (OSError, TypeError, ValueError) as error:
        return call.failure(f"the agent's secrets make no environment: {error}") | {"confined_by": confined_by}
    return tool_code.run(call) | {"confined_by": confined_by}


def _close_input() -> None:
    """Let the tool's standard input be empty."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)


def _write(pipe: int, data: bytes) -> None:
    """Write all of it, unless user code closed the pipe."""
    with contextlib.suppress(OSError):
        while data:
            data = data[os.write(pipe, data) :]


if __name__ == "__main__":
    main()
