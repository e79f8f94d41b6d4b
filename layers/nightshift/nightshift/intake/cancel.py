"""Cancels runs: one conditional write each, which a runner meets at its own next write (promises 7 and 8).

http_api                                   DynamoDB                                    runner
   │ run ends cancelled ─ if as it was read ──► ┐
   │ its delivery ────────────────────────────► │ all or nothing      checkpoint ──► fails: the run is terminal
   │ no sleep ─ if it is the first ───────────► ┘                     leaves the queue, with a valid history
   │ ring ────────────────────────────────────────────────────────────► claims, and takes it off the queue
   ▼ 200 at once, whatever the model is doing

Of a conversation's runs the newest go first, so that no runner begins one of them between two writes.

A run that has paused for its client is completed already; it becomes cancelled as long as nobody has begun to answer:

http_api                                   DynamoDB
   │ request closed ─ if open, nothing waits ─► ┐
   │ run cancelled ─ if as it was read ───────► │ all or nothing; no second callback (letta_api_spec §3.6)
   │ denials, error returns ──────────────────► ┘
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from nightshift.clock import Clock
from nightshift.domain.conversation import Conversation
from nightshift.domain.errors import ConditionFailedError, ConflictError, NotFoundError, TransientError
from nightshift.domain.ids import sequence_of_message
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Doorbell, Ring
from nightshift.telemetry import log_keys, logger, measured

CAS_ATTEMPTS = 10
"""Times that a run is read anew because its runner wrote in between; a runner writes a few times a step."""

type Outcomes = dict[str, str]


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Ends runs on their clients' wish."""

    database: Database
    doorbell: Doorbell
    clock: Clock

    def cancel_named(self, tenant: str, agent_id: str, run_ids: Iterable[str]) -> Outcomes:
        """Cancel these runs of the agent; `failed` for one that it doesn't have, `cancelled` for an ended one too.

        Raises:
            NotFoundError: this tenant has no such agent.
        """
        self._require_lane(tenant, agent_id)
        outcomes: Outcomes = {}
        for run_id in run_ids:
            run = self.database.runs.get(tenant, run_id)
            if run is None or run.agent_id != agent_id:
                outcomes[run_id] = "failed"
                continue
            if run.stop_reason is StopReason.REQUIRES_APPROVAL:
                self._cancel_paused(run)
            self._cancel(run)
            outcomes[run_id] = "cancelled"
        return outcomes

    def cancel_agent(self, tenant: str, agent_id: str) -> Outcomes:
        """Cancel all active runs of the agent, in all its conversations.

        Raises:
            NotFoundError: this tenant has no such agent.
            ConflictError: it has no active run.
        """
        lane = self._require_lane(tenant, agent_id)
        others = list(self.database.descriptions.ids_of(tenant, agent_id))
        lanes = [lane, *self.database.conversations.get_many(tenant, others)]
        return self._cancel_waiting(lanes, f"agent {agent_id}")

    def cancel_conversation(self, tenant: str, conversation_id: str) -> Outcomes:
        """Cancel all active runs of one conversation, which may be an agent's default one.

        Raises:
            ConflictError: it has no active run.
        """
        return self._cancel_waiting([self._require_lane(tenant, conversation_id)], f"conversation {conversation_id}")

    def _require_lane(self, tenant: str, conversation_id: str) -> Conversation:
        lane = self.database.conversations.get(tenant, conversation_id)
        if lane is None or lane.is_deleted:
            raise NotFoundError(f"Agent or conversation not found: {conversation_id}")
        return lane

    def _cancel_waiting(self, lanes: Iterable[Conversation], whose: str) -> Outcomes:
        outcomes: Outcomes = {}
        for lane in lanes:
            for run_id in reversed(lane.waiting):
                run = self.database.runs.get(lane.tenant, run_id)
                if run is not None and not run.status.is_terminal:
                    self._cancel(run, lane)
                    outcomes[run_id] = "cancelled"
            asked = lane.pending_approval
            paused = self.database.runs.get(lane.tenant, asked.run_id) if asked and not lane.waiting else None
            if paused is not None and self._cancel_paused(paused):
                outcomes[paused.id] = "cancelled"
        if not outcomes:
            raise ConflictError(f"CONFLICT: No active runs to cancel for {whose}")
        return outcomes

    def _cancel_paused(self, run: Run) -> bool:
        """End a run that waits for its client, if nobody has begun to answer; return whether it was so."""
        from nightshift.domain.refused_calls import refuse_calls  # noqa: PLC0415 -- few cancellations need it

        lane = self.database.conversations.get(run.tenant, run.conversation_id)
        asked = lane.pending_approval if lane else None
        if lane is None or asked is None or asked.run_id != run.id or run.last_sequence is None:
            return False
        request = self.database.messages.get(run.tenant, run.conversation_id, sequence_of_message(asked.message_id))
        if request is None:
            return False
        added = refuse_calls(request, self.clock.now())
        ended = replace(run, status=RunStatus.CANCELLED, stop_reason=StopReason.CANCELLED)
        ended = replace(ended, last_sequence=added[-1].sequence)
        messages = self.database.messages
        closed = self.database.conversations.refuse_approval(asked, run.tenant, lane.id, lane.next_sequence)
        try:
            self.database.transact(
                [
                    closed,
                    self.database.runs.advance(run, ended),
                    *(messages.append(run.tenant, lane.id, message) for message in added),
                ]
            )
        except ConditionFailedError:
            return False
        logger.info("paused run cancelled", run_id=run.id, agent_id=run.agent_id, conversation_id=run.conversation_id)
        return True

    def _cancel(self, run: Run, lane: Conversation | None = None) -> None:
        """End the run if nobody else does; `lane` is its conversation if that is read already."""
        for _ in range(CAS_ATTEMPTS):
            if run.status.is_terminal:
                return
            lane = lane or self.database.conversations.get(run.tenant, run.conversation_id)
            try:
                self._end(run, is_first=lane is not None and lane.waiting[:1] == (run.id,))
            except ConditionFailedError:
                lane, found = None, self.database.runs.get(run.tenant, run.id)
                if found is None:
                    return
                run = found
            else:
                return
        raise TransientError(f"run {run.id} was written {CAS_ATTEMPTS} times while it was to be cancelled")

    def _end(self, run: Run, *, is_first: bool) -> None:
        now = self.clock.now()
        ended = replace(run, status=RunStatus.CANCELLED, stop_reason=StopReason.CANCELLED, completed_at=now)
        correlation_id = self.database.runs.get_request(run).correlation_id if run.callback_url else ""
        writes = self.database.runs.end(run, ended, correlation_id)
        if is_first:
            writes.append(self.database.conversations.wake(run.tenant, run.conversation_id, run.id, now))
        self.database.transact(writes)
        with log_keys(run_id=run.id, agent_id=run.agent_id, conversation_id=run.conversation_id):
            ended_so = measured({"RunsCompleted": 1}, stop_reason=StopReason.CANCELLED.value)
            logger.info("run cancelled", was=run.status.value, **ended_so)
            if is_first:
                self.doorbell.try_to_ring(Ring(run.tenant, run.conversation_id, correlation_id))
