"""Accepts a run: one transaction, then the doorbell (promises 2 and 3).

http_api                                  DynamoDB                        RunQueue
   │ enqueue ─ if the conversation exists ──► ┐
   │ create run ────────────────────────────► │ all or nothing
   │ create request ────────────────────────► ┘
   │ ring ────────────────────────────────────────────────────────────────► may fail: the sweeper rings later
   ▼ 200, whatever the queue said
"""

from dataclasses import dataclass

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.conversation import MAX_WAITING_RUNS
from nightshift.domain.errors import ConditionFailedError, NotFoundError, TooManyRequestsError, TransientError
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.intake.wire.create_run import CreateRun
from nightshift.models.handles import parse_handle
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Doorbell, Ring
from nightshift.storage.payloads import MAX_INLINE_BYTES
from nightshift.telemetry import logger

QUEUE_FULL_RETRY_SECONDS = 60
"""What a client is told to wait when too many runs wait; a run rarely takes less."""


@dataclass(frozen=True, slots=True)
class Submission:
    """Accepts runs."""

    database: Database
    doorbell: Doorbell
    clock: Clock

    def submit(self, tenant: str, agent_id: str, body: CreateRun, correlation_id: str) -> Run:
        """Accept a run for the agent's default conversation and return it as `created`.

        Raises:
            NotFoundError: no such agent, or no such provider in `override_model`.
            TooManyRequestsError: the conversation's queue is full.
        """
        if body.override_model is not None:
            parse_handle(body.override_model)
        now = self.clock.now()
        run = Run(
            id=ids.new_run_id(),
            tenant=tenant,
            agent_id=agent_id,
            conversation_id=agent_id,
            status=RunStatus.CREATED,
            created_at=now,
            max_steps=body.max_steps,
            display=body.to_display(),
            callback_url=body.callback_url,
        )
        self._write(run, body, correlation_id)
        logger.info("run accepted", run_id=run.id, agent_id=agent_id)
        self._ring(run, correlation_id)
        return run

    def _write(self, run: Run, body: CreateRun, correlation_id: str) -> None:
        if _may_need_object(body):
            self._require_place(run)
        place = self.database.conversations.enqueue(run.tenant, run.conversation_id, run.id, run.created_at)
        request = self.database.runs.create_request(run, body.to_request(correlation_id))
        try:
            self.database.transact([place, self.database.runs.create(run), request])
        except ConditionFailedError as failed:
            if failed.index != 0:
                raise
            self._require_place(run)
            raise

    def _require_place(self, run: Run) -> None:
        """Raise what the client is told if the conversation takes no run now."""
        conversation = self.database.conversations.get(run.tenant, run.conversation_id)
        if conversation is None or conversation.is_deleted:
            raise NotFoundError("Agent not found")
        if len(conversation.waiting) >= MAX_WAITING_RUNS:
            detail = f"{MAX_WAITING_RUNS} runs wait for this agent already; send again when some are done"
            raise TooManyRequestsError(detail, QUEUE_FULL_RETRY_SECONDS)

    def _ring(self, run: Run, correlation_id: str) -> None:
        try:
            self.doorbell.ring(Ring(run.tenant, run.conversation_id, correlation_id))
        except TransientError as error:
            logger.warning("doorbell not rung, the sweeper will", run_id=run.id, reason=str(error))


def _may_need_object(body: CreateRun) -> bool:
    """Tell whether the request may be too large for an item: its object is written before the transaction.

    Only then the place is looked for first, so that no content of a refused request stays in the bucket. The body with
    all its defaults written out is never smaller than what is stored of it.
    """
    return len(body.model_dump_json().encode()) > MAX_INLINE_BYTES
