"""Accepts a run: one transaction, then the doorbell (promises 2 and 3).

http_api                                  DynamoDB                        RunQueue
   │ take the key ─ if it is free ──────────► ┐                            only for a request that can be known again
   │ enqueue ─ if the conversation exists ──► │
   │ create run ────────────────────────────► │ all or nothing
   │ create request ────────────────────────► ┘
   │ ring ────────────────────────────────────────────────────────────────► may fail: the sweeper rings later
   ▼ 200, whatever the queue said
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.approval import NOTHING_PENDING, PENDING, Approval
from nightshift.domain.conversation import MAX_WAITING_RUNS
from nightshift.domain.errors import (
    ConditionFailedError,
    InvalidRequestError,
    NotFoundError,
    PendingApprovalError,
    TooManyRequestsError,
)
from nightshift.domain.run import Run, RunKind, Spent
from nightshift.domain.run_status import RunStatus
from nightshift.intake.repetition import RUN_HASH_CHARS, EarlierRuns, hash_body, key_of
from nightshift.intake.wire.create_run import NO_HEADERS, RunHeaders
from nightshift.models.handles import parse_handle
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Doorbell, Ring
from nightshift.storage.idempotency import KeyUse, to_key_use
from nightshift.storage.payloads import MAX_INLINE_BYTES
from nightshift.telemetry import add_log_keys, logger, measured

if TYPE_CHECKING:
    from nightshift.intake.wire.run_body import RunBody

QUEUE_FULL_RETRY_SECONDS = 60
"""What a client is told to wait when too many runs wait; a run rarely takes less."""


class _KeyInUseError(Exception):
    """The request's key belongs to a run already."""

    def __init__(self, use: KeyUse) -> None:
        super().__init__(use.run_id)
        self.use = use


@dataclass(frozen=True, slots=True)
class Submission:
    """Accepts runs."""

    database: Database
    doorbell: Doorbell
    clock: Clock

    def submit(
        self,
        tenant: str,
        agent_id: str,
        body: "RunBody",
        correlation_id: str,
        conversation_id: str | None = None,
        headers: RunHeaders = NO_HEADERS,
    ) -> Run:
        """Accept a run for a conversation, None for the agent's default one, and return it as `created`.

        A request that was accepted before, as `headers` and otids tell, returns its run as it is now.

        Raises:
            NotFoundError: no such agent, or no such provider in `override_model`.
            ConflictError: the headers' key belongs to another request.
            PendingApprovalError: the conversation's client is asked for an answer, and this is none.
            InvalidRequestError: this is an answer to something else, or to nothing.
            TooManyRequestsError: the conversation's queue is full.
        """
        if body.override_model is not None:
            parse_handle(body.override_model)
        body_hash = hash_body(body)
        key = key_of(headers, body, body_hash)
        run = Run(
            id=ids.new_run_id(),
            tenant=tenant,
            agent_id=agent_id,
            conversation_id=conversation_id or agent_id,
            status=RunStatus.CREATED,
            created_at=self.clock.now(),
            kind=body.kind,
            max_steps=body.max_steps,
            display=body.to_display(),
            callback_url=body.callback_url,
            body_hash=body_hash[:RUN_HASH_CHARS],
        )
        is_retry = key is None and headers.retry_count > 0
        earlier = EarlierRuns(self.database).retried(run) if is_retry else None
        accepted = earlier or self._accept(run, body, correlation_id, key, body_hash)
        add_log_keys(run_id=accepted.id, agent_id=agent_id, conversation_id=accepted.conversation_id)
        if accepted.id == run.id:
            logger.info("run accepted", **measured({"RunsAccepted": 1}))
            self.doorbell.try_to_ring(Ring(run.tenant, run.conversation_id, correlation_id))
        else:
            logger.info("request repeated", status=accepted.status.value)
        return accepted

    def _accept(self, run: Run, body: "RunBody", correlation_id: str, key: str | None, body_hash: str) -> Run:
        """Write the run and return it, or the one that the key was used for."""
        use = KeyUse(run.id, body_hash)
        try:
            self._write(run, body, correlation_id, key, use)
        except _KeyInUseError as found:
            return EarlierRuns(self.database).of_key(run, found.use, body_hash)
        return run

    def _write(self, run: Run, body: "RunBody", correlation_id: str, key: str | None, use: KeyUse) -> None:
        if _may_need_object(body):
            self._require_free(run, key)
            self._require_place(run)
        from nightshift.storage.write_units import estimate_write_units  # noqa: PLC0415 -- not before a run is accepted

        database, lane = self.database, run.conversation_id
        request = body.to_request(correlation_id)
        answers = request.answers if run.kind is RunKind.MESSAGES else None
        # First, so that of several conditions that fail this one is told: the run of a repetition is in its place.
        taken = [database.idempotency.claim(run.tenant, lane, key, use, run.created_at)] if key else []
        place = database.conversations.enqueue(run.tenant, lane, run.id, run.created_at, answers)
        asked = database.runs.create_request(run, request)
        units = estimate_write_units([*taken, place, database.runs.create(run), asked])
        made = database.runs.create(replace(run, spent=Spent(write_units=units)))
        try:
            database.transact([*taken, place, made, asked])
        except ConditionFailedError as failed:
            if failed.index < len(taken):
                raise _KeyInUseError(to_key_use(failed.found)) from failed
            if failed.index == len(taken):
                self._require_place(run)
                self._require_fit(run, answers or ())
            raise

    def _require_free(self, run: Run, key: str | None) -> None:
        """Raise if the key is in use."""
        use = self.database.idempotency.find(run.tenant, run.conversation_id, key, run.created_at) if key else None
        if use is not None:
            raise _KeyInUseError(use)

    def _require_place(self, run: Run) -> None:
        """Raise what the client is told if the conversation takes no run now."""
        conversation = self.database.conversations.get(run.tenant, run.conversation_id)
        if conversation is None or conversation.is_deleted:
            raise NotFoundError("Agent not found")
        if len(conversation.waiting) >= MAX_WAITING_RUNS:
            detail = f"{MAX_WAITING_RUNS} runs wait for this agent already; send again when some are done"
            raise TooManyRequestsError(detail, QUEUE_FULL_RETRY_SECONDS)

    def _require_fit(self, run: Run, answers: tuple[Approval, ...]) -> None:
        """Raise what the client is told if the run does not fit what its conversation's client is asked for.

        Raises:
            PendingApprovalError: an answer is asked for, and this is none.
            InvalidRequestError: it is an answer to something else, or to nothing.
        """
        conversation = self.database.conversations.get(run.tenant, run.conversation_id)
        asked = conversation.pending_approval if conversation else None
        if asked and not answers:
            raise PendingApprovalError(PENDING, asked.message_id)
        if asked and not asked.is_answered_by(answers):
            raise InvalidRequestError(asked.explain_mismatch(answers))
        if answers and not asked:
            raise InvalidRequestError(NOTHING_PENDING)


def _may_need_object(body: "RunBody") -> bool:
    """Tell whether the request may be too large for an item: its object is written before the transaction.

    Only then the place is looked for first, so that no content of a refused request stays in the bucket. The body with
    all its defaults written out is never smaller than what is stored of it.
    """
    return len(body.model_dump_json().encode()) > MAX_INLINE_BYTES
