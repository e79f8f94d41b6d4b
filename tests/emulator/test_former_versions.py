"""Probes former_versions: an alias moves on while one process of the former version is idle and another one is busy."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from embedded_aws import RECORD, EmbeddedAws, function, recorded, wait_until

CORRECTION = "former_versions"
CODE = """
import time

def handler(event, context):
    record(event)
    time.sleep(event)
    return os.getpid()
"""


def test_processes_of_the_former_version_end_and_none_before_its_answer(
    aws: EmbeddedAws, stack_name: str, tmp_path: Path
) -> None:
    records = tmp_path / "records"
    name = aws.deploy(stack_name, {"Moved": function(RECORD + CODE, RECORDS=str(records))})["Moved"]
    functions = aws.client("lambda")
    first = functions.publish_version(FunctionName=name)["Version"]
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion=first)
    with ThreadPoolExecutor(2) as threads:
        former = set(threads.map(lambda _: aws.invoke(f"{name}:live", 0.3), range(2)))
        busy = threads.submit(aws.invoke, f"{name}:live", 1.5)
        wait_until(lambda: 1.5 in recorded(records), "the invocation begins")
        functions.update_function_configuration(FunctionName=name, Description="second")
        second = functions.publish_version(FunctionName=name)["Version"]
        functions.update_alias(FunctionName=name, Name="live", FunctionVersion=second)
        assert busy.result() in former
    wait_until(lambda: not any(map(_is_alive, former)), "processes of the former version end")
    assert _is_alive(aws.invoke(f"{name}:live", 0))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
