"""RunQueue → slices: each message is a doorbell for one conversation, up to ten of them at once, a thread each.

Most of a run is waiting for its model, and an invocation is billed by the clock, so ten wait for the price of one.
A message that can't be answered is reported alone and comes again; the others are done.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

from nightshift.clock import SystemClock
from nightshift.execution.budget import SliceBudget
from nightshift.execution.long_run import continue_as_long_run
from nightshift.execution.model_source import ModelSource
from nightshift.execution.slice import SliceRunner
from nightshift.settings import ExecutionSettings
from nightshift.storage import clients
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Ring
from nightshift.storage.long_runs import LongRuns
from nightshift.storage.secrets import Secret
from nightshift.telemetry import log_keys, logger

BATCH_SIZE = 10
"""Messages that template.yaml lets one invocation have."""


@dataclass(frozen=True, slots=True)
class _Runner:
    settings: ExecutionSettings
    slices: SliceRunner
    long_runs: LongRuns
    threads: ThreadPoolExecutor

    def answer(self, record: dict[str, Any], remaining_ms: int) -> str | None:
        """Answer one doorbell; return the message id if it must come again."""
        try:
            ring = Ring.from_body(record["body"])
            with log_keys(tenant=ring.tenant, conversation_id=ring.subject, correlation_id=ring.correlation_id):
                self._answer(ring, remaining_ms)
        except Exception:  # noqa: BLE001 -- the boundary of one message: it must not take the other nine along
            logger.exception("doorbell not answered", message_id=record["messageId"])
            return str(record["messageId"])
        return None

    def _answer(self, ring: Ring, remaining_ms: int) -> None:
        budget = SliceBudget.begin(self.slices.clock, self.settings.slice_duration, remaining_ms)
        result = self.slices.run(ring.tenant, ring.subject, budget)
        continue_as_long_run(self.long_runs, result, ring.correlation_id)


@cache
def _runner() -> _Runner:
    settings = ExecutionSettings.from_environment()
    models = ModelSource(Secret(settings.model_providers_secret_arn, settings.secrets_max_age))
    slices = SliceRunner(Database.connect(settings.tables), models, SystemClock(), settings.lease_duration)
    long_runs = LongRuns(clients.stepfunctions(), settings.long_run_arn)
    return _Runner(settings, slices, long_runs, ThreadPoolExecutor(BATCH_SIZE))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer all doorbells of the batch and report those that must ring again."""
    runner = _runner()
    remaining_ms = context.get_remaining_time_in_millis()
    answers = [runner.threads.submit(runner.answer, record, remaining_ms) for record in event["Records"]]
    failed = [message_id for answer in answers if (message_id := answer.result())]
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}
