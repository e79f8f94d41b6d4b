"""The events that functions receive can be kept, for the files of ``events/``.

AWS: what a function received is known to the function alone.

Stock MiniStack: the same.

EVENT_LOG names a file to which every event is appended, one JSON object a line: ``{"function": …, "event": …}``. Events
hold tokens and what users wrote, so it is named by those who record alone.
"""

import functools
import json
import os
import threading
from pathlib import Path
from typing import Any

from ministack.services import lambda_svc

from emulator.expectations import expect_parameters


def apply() -> None:
    """Append every event to the file, if one is named."""
    if "EVENT_LOG" not in os.environ:
        return
    file = Path(os.environ["EVENT_LOG"])
    stock, lock = lambda_svc._execute_function_warm, threading.Lock()
    expect_parameters(stock, "func", "event", "request_id")

    @functools.wraps(stock)
    def execute(func: dict[str, Any], event: Any, request_id: str) -> Any:
        name = (func.get("config") or func).get("FunctionName", "?")
        with lock, file.open("a") as log:
            log.write(json.dumps({"function": name, "event": event}) + "\n")
        return stock(func, event, request_id)

    lambda_svc._execute_function_warm = execute
