"""LongRun → one slice. Returns the state machine's next state; the machine decides on `outcome` and `wait_until`."""

from functools import cache
from typing import Any

from nightshift.execution.long_run import LongRunState, continue_as_long_run
from nightshift.execution.slice import FINISHED, SliceRunner
from nightshift.settings import ExecutionSettings
from nightshift.storage import clients
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
    """Execute one slice; a full execution hands the rest over to a fresh one."""
    state = LongRunState.from_event(event)
    keys = {"tenant": state.tenant, "conversation_id": state.conversation_id, "correlation_id": state.correlation_id}
    with log_keys(**keys, slice=state.slices + 1):
        remaining_ms = context.get_remaining_time_in_millis()
        result = _slices().run(state.tenant, state.conversation_id, remaining_ms, state.transitions)
        if not state.is_full:
            return state.after(result)
        continue_as_long_run(LongRuns(clients.stepfunctions(), _settings().long_run_arn), result, state.correlation_id)
        return state.after(FINISHED)
