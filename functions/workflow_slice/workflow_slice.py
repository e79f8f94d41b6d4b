"""LongRun → one slice. Returns the state machine's next state; the machine decides on `outcome` and `wait_until`."""

from functools import cache
from typing import Any

from nightshift.clock import SystemClock
from nightshift.execution.budget import SliceBudget
from nightshift.execution.long_run import LongRunState, continue_as_long_run
from nightshift.execution.model_source import ModelSource
from nightshift.execution.slice import FINISHED, SliceRunner
from nightshift.settings import ExecutionSettings
from nightshift.storage import clients
from nightshift.storage.database import Database
from nightshift.storage.long_runs import LongRuns
from nightshift.storage.secrets import Secret
from nightshift.telemetry import log_keys


@cache
def _settings() -> ExecutionSettings:
    return ExecutionSettings.from_environment()


@cache
def _slices() -> SliceRunner:
    settings = _settings()
    models = ModelSource(Secret(settings.model_providers_secret_arn, settings.secrets_max_age))
    return SliceRunner(Database.connect(settings.tables), models, SystemClock(), settings.lease_duration)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Execute one slice; a full execution hands the rest over to a fresh one."""
    state = LongRunState.from_event(event)
    keys = {"tenant": state.tenant, "conversation_id": state.conversation_id, "correlation_id": state.correlation_id}
    with log_keys(**keys, slice=state.slices + 1):
        budget = SliceBudget.begin(SystemClock(), _settings().slice_duration, context.get_remaining_time_in_millis())
        result = _slices().run(state.tenant, state.conversation_id, budget)
        if not state.is_full:
            return state.after(result)
        continue_as_long_run(LongRuns(clients.stepfunctions(), _settings().long_run_arn), result, state.correlation_id)
        return state.after(FINISHED)
