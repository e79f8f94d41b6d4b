"""Processes of a version to which no alias leads any more end.

AWS: an environment that nobody invokes is taken away after some minutes.

Stock MiniStack: keeps a process of every version that was ever invoked, so that each deploy leaves those of the former
versions behind, some 300 MB.
"""

import functools
import threading
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from emulator.expectations import expect_parameters, expect_source


def apply() -> None:
    """End the idle ones when an alias moves, and each of the others when its invocation is over."""
    expect_source(lambda_runtime.reap_idle_workers, "(i == 0 and not snapstart_version)")
    expect_parameters(lambda_svc._update_alias, "func_name", "alias_name", "data")
    expect_parameters(lambda_svc.release_worker, "worker")
    stock_update, stock_release = lambda_svc._update_alias, lambda_svc.release_worker

    @functools.wraps(stock_update)
    def update_alias(func_name: str, alias_name: str, data: dict[str, Any]) -> Any:
        answer = stock_update(func_name, alias_name, data)
        _end_idle(func_name)
        return answer

    @functools.wraps(stock_release)
    def release_worker(worker: Any) -> None:
        stock_release(worker)
        if worker is not None and _is_of_former_version(worker):
            _end_idle(worker.func_name)

    lambda_svc._update_alias, lambda_svc.release_worker = update_alias, release_worker


def _end_idle(func_name: str) -> None:
    ended = []
    with lambda_runtime._lock:
        for workers in lambda_runtime._workers.values():
            idle = [one for one in workers if one.func_name == func_name and not one.in_use]
            former = [one for one in idle if _is_of_former_version(one)]
            workers[:] = [one for one in workers if one not in former]
            ended += former
    # It waits for their end, and nobody has to wait for that.
    threading.Thread(target=lambda_runtime.kill_workers, args=(ended,), daemon=True).start()


def _is_of_former_version(worker: Any) -> bool:
    function = lambda_svc._functions.get(worker.func_name)
    aliases = list(function["aliases"].values()) if function else []
    weights = [alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}) for alias in aliases]
    in_use = {alias["FunctionVersion"] for alias in aliases}.union(*weights)
    version = worker.config.get("Version", "$LATEST")
    return bool(aliases) and version not in in_use | {"$LATEST"}
