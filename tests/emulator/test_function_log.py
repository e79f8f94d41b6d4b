"""Probes function_log: one file with what all functions log."""

from pathlib import Path

from embedded_aws import EmbeddedAws, function, wait_until

CORRECTION = "function_log"


def test_invocations_are_appended_to_the_file(aws_to_restart: EmbeddedAws, stack_name: str) -> None:
    code = "def handler(event, context): print('said by the handler')"
    name = aws_to_restart.deploy(stack_name, {"Says": function(code)})["Says"]
    aws_to_restart.invoke(name)
    log: Path = aws_to_restart.home / "functions.log"
    wait_until(log.exists, "the file is written")
    lines = log.read_text().splitlines()
    assert name in lines[0]
    assert lines[1] == "said by the handler"
