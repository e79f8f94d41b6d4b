"""Probes log_collection: the wait for a handler's log."""

import base64
import time

from embedded_aws import EmbeddedAws, function

CORRECTION = "log_collection"
STOCK_WAIT_SECONDS = 0.05


def test_silent_handler_is_not_waited_for(aws: EmbeddedAws, stack_name: str) -> None:
    name = aws.deploy(stack_name, {"Silent": function("def handler(event, context): return 1")})["Silent"]
    aws.invoke(name)
    assert min(seconds_to_invoke(aws, name) for _ in range(10)) < STOCK_WAIT_SECONDS


def test_line_after_a_pause_is_in_the_log(aws: EmbeddedAws, stack_name: str) -> None:
    code = "import os\ndef handler(event, context):\n    print('first')\n    print('last', end='')"
    name = aws.deploy(stack_name, {"Logs": function(code)})["Logs"]
    answer = aws.client("lambda").invoke(FunctionName=name, LogType="Tail")
    assert "first\nlast" in base64.b64decode(answer["LogResult"]).decode()


def seconds_to_invoke(aws: EmbeddedAws, name: str) -> float:
    started = time.monotonic()
    aws.invoke(name)
    return time.monotonic() - started
