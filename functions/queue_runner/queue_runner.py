"""RunQueue → slices: each message is a doorbell for one conversation.

Most of a run is waiting for its model, and an invocation is billed by the clock, so ten wait for the price of one.
"""

from functools import cache
from typing import Any

from nightshift.doorbell_batch import answer_doorbells
from nightshift.execution.long_run import continue_as_long_run
from nightshift.execution.slice import SliceRunner
from nightshift.settings import ExecutionSettings
from nightshift.storage import clients
from nightshift.storage.doorbells import Ring
from nightshift.storage.long_runs import LongRuns
from nightshift.telemetry import log_keys, logger


@cache
def _settings() -> ExecutionSettings:
    return ExecutionSettings.from_environment()


@cache
def _slices() -> SliceRunner:
    return SliceRunner.connect(_settings())


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer all doorbells of the batch and report those that must ring again."""
    slices, remaining_ms = _slices(), context.get_remaining_time_in_millis()
    long_runs = LongRuns(clients.stepfunctions(), _settings().long_run_arn)

    def answer(ring: Ring) -> None:
        with log_keys(tenant=ring.tenant, conversation_id=ring.subject, correlation_id=ring.correlation_id):
            result = slices.run(ring.tenant, ring.subject, remaining_ms)
            continue_as_long_run(long_runs, result, ring.correlation_id)

    return answer_doorbells(event, answer)
