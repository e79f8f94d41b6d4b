"""What all functions log can be followed in one file.

AWS: each function has its log group.

Stock MiniStack: the same, readable through the CloudWatch Logs API only, and gone with a kill.

FUNCTION_LOG names a file that every invocation is appended to as well, in the order in which they end.
"""

import functools
import os
import threading
from pathlib import Path
from typing import Any

from ministack.services import lambda_svc

from emulator.expectations import expect_parameters


def apply() -> None:
    """Append every invocation's log to the file, if one is named."""
    if "FUNCTION_LOG" not in os.environ:
        return
    file = Path(os.environ["FUNCTION_LOG"])
    stock, lock = lambda_svc._emit_lambda_logs, threading.Lock()
    expect_parameters(stock, "func", "request_id", "log_text", "error", "duration_ms")

    @functools.wraps(stock)
    def emit(
        func: dict[str, Any], request_id: str, log_text: str, error: bool, duration_ms: int, **options: Any
    ) -> None:
        name = (func.get("config") or func).get("FunctionName", "?")
        outcome = "FAILED" if error else "ok"
        with lock, file.open("a") as log:
            log.write(f"--- {name} {outcome} {duration_ms} ms {request_id}\n")
            if log_text:
                log.write(f"{log_text}\n")
        stock(func, request_id, log_text, error, duration_ms, **options)

    lambda_svc._emit_lambda_logs = emit
