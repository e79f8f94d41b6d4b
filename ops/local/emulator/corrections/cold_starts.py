"""A burst of requests does not start a process for each of them at the same moment.

AWS: concurrent invocations get environments of their own, on hardware that starts them side by side.

Stock MiniStack: does the same on one computer. Twenty requests at once start forty processes that import the
dependencies against each other, and the last answer comes after their sum.

Here at most one process per core is starting; an invocation that waits for its turn takes a worker that becomes free
first. Starting always ends, so an invocation never waits for its own caller.
"""

import contextlib
import functools
import os
import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from emulator.expectations import expect_parameters, expect_source

STARTING_AT_ONCE = max(2, os.cpu_count() or 2)
LOOK_AGAIN_SECONDS = 0.01
"""How often a waiting invocation looks for a free worker."""


def apply() -> None:
    """Start workers while they are acquired, a few at a time."""
    stock = lambda_svc.acquire_worker
    expect_parameters(stock, "func_name", "config", "code_zip", "qualifier")
    expect_source(lambda_runtime.ensure_spawned, "worker._spawn()")
    expect_source(lambda_svc._execute_function_warm, "worker, reason = acquire_worker(")
    starting = threading.BoundedSemaphore(STARTING_AT_ONCE)

    @functools.wraps(stock)
    def acquire_worker(
        func_name: str, config: dict[str, Any], code_zip: bytes, qualifier: str = "$LATEST", **options: Any
    ) -> Any:
        key = lambda_runtime._worker_key(func_name, config, qualifier)
        while not _has_warm_worker(key):
            if starting.acquire(timeout=LOOK_AGAIN_SECONDS):
                try:
                    return _acquire_started(stock(func_name, config, code_zip, qualifier=qualifier, **options))
                finally:
                    starting.release()
        return stock(func_name, config, code_zip, qualifier=qualifier, **options)

    lambda_svc.acquire_worker = acquire_worker


def _has_warm_worker(key: str) -> bool:
    with lambda_runtime._lock:
        return any(
            not worker.in_use and worker._proc is not None and worker._proc.poll() is None
            for worker in lambda_runtime._workers.get(key, [])
        )


def _acquire_started(acquired: tuple[Any, str]) -> tuple[Any, str]:
    worker, _ = acquired
    if worker is not None:
        # After a failure the invocation starts it again, and reports the failure where MiniStack expects it.
        with contextlib.suppress(Exception):
            lambda_runtime.ensure_spawned(worker)
    return acquired
