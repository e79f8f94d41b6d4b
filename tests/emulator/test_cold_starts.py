"""Probes cold_starts: a burst of invocations of a function that takes long to start."""

import os
from concurrent.futures import ThreadPoolExecutor

from embedded_aws import EmbeddedAws, function

CORRECTION = "cold_starts"
BURST = 4 * max(2, os.cpu_count() or 2)


def test_burst_starts_few_processes_and_is_answered(aws: EmbeddedAws, stack_name: str) -> None:
    slow_start = "import os, time\ntime.sleep(0.5)\ndef handler(event, context): return os.getpid()"
    name = aws.deploy(stack_name, {"SlowStart": function(slow_start)})["SlowStart"]
    with ThreadPoolExecutor(BURST) as threads:
        workers = list(threads.map(lambda _: aws.invoke(name), range(BURST)))
    assert len(workers) == BURST
    # Without the correction there is a process for each; on a busy machine a few more start than have to.
    assert len(set(workers)) <= BURST * 3 // 4
