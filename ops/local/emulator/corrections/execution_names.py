"""Starting a running execution again under its name and with its input is harmless.

AWS: StartExecution of a Standard state machine is idempotent: the same name and input while it runs answer with the
running execution. Only another input, or a name that has ended, is ExecutionAlreadyExists.

Stock MiniStack: every second use of a name is ExecutionAlreadyExists.
"""

import functools
import json
from typing import Any

from ministack.core.responses import json_response
from ministack.services import stepfunctions

from emulator.expectations import expect_source


def apply() -> None:
    """Answer a repeated start with the running execution."""
    stock = stepfunctions._start_execution
    expect_source(stock, '"ExecutionAlreadyExists"', '"executionArn": exec_arn, "startDate": start_date')

    @functools.wraps(stock)
    def start_execution(data: dict[str, Any]) -> Any:
        response = stock(data)
        if response[0] != 400 or b"ExecutionAlreadyExists" not in _as_bytes(response[2]):
            return response
        running = _execution_named(data)
        if running is None or running["status"] != "RUNNING" or running["input"] != data.get("input", "{}"):
            return response
        return json_response({"executionArn": running["executionArn"], "startDate": running["startDate"]})

    stepfunctions._start_execution = start_execution


def _as_bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def _execution_named(data: dict[str, Any]) -> dict[str, Any] | None:
    state_machine_arn = stepfunctions._resolve_state_machine_arn(data.get("stateMachineArn", ""))
    for execution in stepfunctions._executions.values():
        if execution["name"] == data.get("name") and execution["stateMachineArn"] == state_machine_arn:
            return dict(execution)
    return None
