"""What a handler logged is complete, and waiting for it does not slow the answer.

AWS: a function's answer does not wait for its log, and the log is complete.

Stock MiniStack: has no sign that a handler has logged its last line. It waits 50 ms after one that logged nothing,
a tenth of a second for each request behind an authorizer, and stops collecting at a pause between two lines.
"""

import queue
import time
from typing import Any

from ministack.core import lambda_runtime

from emulator.expectations import expect_source, expect_text

END_OF_LOG = "\x1eend of log\x1e"
LONGEST_WAIT_SECONDS = 0.25
"""How long to wait for the end of the log of a worker that died, or whose pipe is full."""

LAST_STATEMENT = "        _real_stdout.flush()\n\nrun()"
MARK_END = f'        sys.stderr.write({END_OF_LOG!r} + "\\n")\n        sys.stderr.flush()\n'


def apply() -> None:
    """Let the worker mark the end of each invocation's log, and collect up to the mark."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    expect_text(script, "the Python worker script", LAST_STATEMENT)
    expect_source(lambda_runtime.Worker.invoke, 'response["log"] = self._drain_stderr_bounded()')
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(LAST_STATEMENT, MARK_END + LAST_STATEMENT)
    stock = lambda_runtime.Worker._drain_stderr_bounded

    def collect(worker: Any, *args: Any, **kwargs: Any) -> str:
        if not str(worker.config.get("Runtime", "")).startswith("python"):
            return str(stock(worker, *args, **kwargs))
        return _collect_up_to_mark(worker._stderr_queue)

    lambda_runtime.Worker._drain_stderr_bounded = collect


def _collect_up_to_mark(lines: queue.Queue[str]) -> str:
    collected: list[str] = []
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while (remaining := deadline - time.monotonic()) > 0:
        try:
            line = lines.get(timeout=remaining)
        except queue.Empty:
            break
        # A handler's last print may have ended without a line break.
        text, mark, _ = line.partition(END_OF_LOG)
        if text or not mark:
            collected.append(text)
        if mark:
            break
    return "\n".join(collected)
