"""An exception in a handler is reported as Lambda does, and the process lives on.

AWS: the error has the exception's class as ``errorType``, its message and a ``stackTrace``; the environment stays
warm. A module that cannot be imported leaves its traceback in the log.

Stock MiniStack: ``errorType`` is always ``Runtime.HandlerError``, so a ``Catch`` of a state machine on a class never
matches; there is no stack trace; the worker is killed, so the next call is a cold start; of a failed import only the
message is kept.
"""

import functools
import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from emulator.expectations import expect_parameters, expect_source, expect_text

REPORT_OF_EXCEPTION = (
    '_real_stdout.write(json.dumps({"status": "error", "error": str(e), "trace": traceback.format_exc()}) + "\\n")'
)
# The worker answers "ok", because MiniStack kills a worker that answers "error".
CORRECT_REPORT_OF_EXCEPTION = """traceback.print_exc()
            _real_stdout.write(json.dumps({"status": "ok", "function_error": {
                "errorMessage": str(e), "errorType": type(e).__name__,
                "requestId": _ms_ctx.get("request_id", ""),
                "stackTrace": traceback.format_tb(e.__traceback__)}}) + "\\n")"""

REPORT_OF_FAILED_IMPORT = '_real_stdout.write(json.dumps({"status": "error", "error": str(e)}) + "\\n")'
CORRECT_REPORT_OF_FAILED_IMPORT = REPORT_OF_FAILED_IMPORT.replace("str(e)", "traceback.format_exc()")


def apply() -> None:
    """Change the worker's script to send the error as AWS shapes it, and MiniStack to pass it on."""
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    expect_text(script, "the Python worker script", REPORT_OF_EXCEPTION, REPORT_OF_FAILED_IMPORT)
    script = script.replace(REPORT_OF_EXCEPTION, CORRECT_REPORT_OF_EXCEPTION)
    script = script.replace(REPORT_OF_FAILED_IMPORT, CORRECT_REPORT_OF_FAILED_IMPORT)
    lambda_runtime._PYTHON_WORKER_SCRIPT = script
    expect_source(lambda_svc._execute_function_dispatch, "_execute_function_warm(func, event, request_id)")
    expect_source(lambda_svc._execute_function_warm, "result = worker.invoke(", 'if result.get("status") == "ok":')
    _pass_errors_on()


def _pass_errors_on() -> None:
    reported = threading.local()
    stock_invoke, stock_execute = lambda_runtime.Worker.invoke, lambda_svc._execute_function_warm
    expect_parameters(stock_execute, "func", "event", "request_id")

    @functools.wraps(stock_invoke)
    def invoke(worker: Any, *args: Any, **kwargs: Any) -> Any:
        result = stock_invoke(worker, *args, **kwargs)
        reported.error = result.get("function_error")
        return result

    @functools.wraps(stock_execute)
    def execute(function: dict[str, Any], event: Any, request_id: str) -> Any:
        # An invocation stays on one thread, so what invoke left here belongs to this one.
        reported.error = None
        result = stock_execute(function, event, request_id)
        if reported.error is None:
            return result
        return {"body": reported.error, "error": True, "log": result.get("log", "")}

    lambda_runtime.Worker.invoke = invoke
    lambda_svc._execute_function_warm = execute
