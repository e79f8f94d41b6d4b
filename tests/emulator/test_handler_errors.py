"""Probes handler_errors: what an exception in a handler looks like, and what it costs."""

from embedded_aws import EmbeddedAws, function

CORRECTION = "handler_errors"

RAISES = """
import os
class OutOfLuckError(Exception): pass
def handler(event, context):
    if event == "pid":
        return os.getpid()
    raise OutOfLuckError("no luck")
"""


def test_exception_has_its_class_and_a_stack_trace(aws: EmbeddedAws, stack_name: str) -> None:
    name = aws.deploy(stack_name, {"Raises": function(RAISES)})["Raises"]
    error = aws.invoke(name)
    assert (error["errorType"], error["errorMessage"]) == ("OutOfLuckError", "no luck")
    assert any("index.py" in line for line in error["stackTrace"])


def test_environment_stays_warm_after_an_exception(aws: EmbeddedAws, stack_name: str) -> None:
    name = aws.deploy(stack_name, {"Raises": function(RAISES)})["Raises"]
    before = aws.invoke(name, "pid")
    aws.invoke(name)
    assert aws.invoke(name, "pid") == before
