"""One slice: claim a conversation, execute its waiting runs in their order, give it back.

finished   nothing waits any more, the lease is given back
continues  the slice is used up, the next one may begin at once
waits      the run sleeps until its provider can answer, the next slice begins then
lost       nothing to do here: another runner has the conversation, it sleeps, it is paused, or nothing waits
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from nightshift.clock import Clock, SystemClock
from nightshift.domain import ids
from nightshift.domain.conversation import Conversation, Lease
from nightshift.domain.errors import LeaseLostError, PayloadMissingError, TransientError
from nightshift.domain.run import Run
from nightshift.domain.run_request import RunRequest
from nightshift.execution.budget import SliceBudget
from nightshift.execution.heartbeat import Heartbeat
from nightshift.execution.meter import Meter
from nightshift.execution.model_source import ModelSource
from nightshift.execution.removal import remove_conversation
from nightshift.execution.run_loop import Ended, Paused, RunLoop
from nightshift.execution.run_state import RunState
from nightshift.execution.shared_time import SharedTime
from nightshift.settings import ExecutionSettings
from nightshift.storage import clients
from nightshift.storage.database import Database
from nightshift.storage.dynamo import counting_units
from nightshift.storage.secrets import Secret
from nightshift.telemetry import log_keys, logger, measured
from nightshift.tools.sandbox import Sandbox

PAUSE_LOOK: Final = timedelta(minutes=10)
"""After which a paused tenant's conversation is rung for again; resuming rings at once."""


class SliceOutcome(StrEnum):
    FINISHED = "finished"
    CONTINUES = "continues"
    WAITS = "waits"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class SliceResult:
    """How a slice ended.

    Attributes:
        lease, run_id: what the next slice goes on with; None unless it continues or waits.
        wait_until: when the next slice may begin; None unless it waits.
    """

    outcome: SliceOutcome
    lease: Lease | None = None
    run_id: str | None = None
    wait_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Shift:
    """What one runner works with from its claim to the end of its slice."""

    lease: Lease
    heartbeat: Heartbeat
    budget: SliceBudget
    meter: Meter


LOST: Final = SliceResult(SliceOutcome.LOST)
FINISHED: Final = SliceResult(SliceOutcome.FINISHED)


@dataclass(frozen=True, slots=True)
class SliceRunner:
    """Runs slices of any conversation; safe to use from many threads at once."""

    database: Database
    models: ModelSource
    clock: Clock
    slice_duration: timedelta
    lease_duration: timedelta
    memory_mb: int
    sandbox: Sandbox | None = None
    allow_private_mcp_servers: bool = False
    shared_time: SharedTime = field(default_factory=SharedTime)

    @classmethod
    def connect(cls, settings: ExecutionSettings) -> Self:
        """Build on this process's AWS clients; nothing is called yet."""
        return cls(
            database=Database.connect(settings.tables),
            models=ModelSource(
                Secret(settings.model_providers_secret_arn, settings.secrets_max_age), settings.allow_private_images
            ),
            clock=SystemClock(),
            slice_duration=settings.slice_duration,
            lease_duration=settings.lease_duration,
            memory_mb=settings.memory_mb,
            sandbox=_connect_sandbox(settings.tool_sandbox_arn),
            allow_private_mcp_servers=settings.allow_private_mcp_servers,
        )

    def run(self, tenant: str, conversation_id: str, remaining_ms: int, transitions: int = 0) -> SliceResult:
        """Execute one slice of the conversation in a function that is ended in `remaining_ms`.

        `transitions` of the state machine are what this slice costs beside.

        Raises:
            TransientError: a service failed. The lease is left to run out, which keeps the repeat from coming at once.
        """
        with self.shared_time.at_work(self.clock):
            meter = Meter(self.clock, self.memory_mb, self.shared_time, transitions)
            with counting_units(meter.count_units):
                return self._run(tenant, conversation_id, remaining_ms, meter)

    def _run(self, tenant: str, conversation_id: str, remaining_ms: int, meter: Meter) -> SliceResult:
        if self._is_paused(tenant):
            self.database.conversations.postpone(tenant, conversation_id, self.clock.now(), PAUSE_LOOK)
            logger.info("conversation not claimed", reason="execution is paused for this tenant")
            return LOST
        budget = SliceBudget.begin(self.clock, self.slice_duration, remaining_ms)
        holder = ids.new_id("lease")
        conversation = self.database.conversations.claim(
            tenant, conversation_id, holder, self.clock.now(), self.lease_duration
        )
        if conversation is None:
            logger.info("conversation not claimed", reason="held by another runner, asleep, or nothing waits")
            return LOST
        lease = Lease(tenant, conversation_id, holder, conversation.fencing_token)
        run_id = next(iter(conversation.waiting), None)
        waiting = len(conversation.waiting)
        with log_keys(agent_id=conversation.agent_id):
            logger.info("conversation claimed", run_id=run_id, fencing_token=lease.fencing_token, waiting=waiting)
            try:
                with Heartbeat(self.database.conversations, lease, self.clock, self.lease_duration) as heartbeat:
                    return self._work(conversation, _Shift(lease, heartbeat, budget, meter))
            except LeaseLostError as lost:
                lease_lost = measured({"LeaseLosses": 1})
                logger.warning("lease lost", fencing_token=lease.fencing_token, reason=str(lost), **lease_lost)
                return LOST

    def _is_paused(self, tenant: str) -> bool:
        from nightshift.storage.pauses import Pausable  # noqa: PLC0415 -- keeps the import within its budget

        return Pausable.EXECUTION in self.database.pauses.of(tenant)

    def _work(self, conversation: Conversation, shift: _Shift) -> SliceResult:
        while True:
            left = self._empty_queue(conversation, shift)
            if isinstance(left, SliceResult):
                return left
            if left.is_deleted:
                return self._remove(shift)
            found = self.database.conversations.release(shift.lease)
            if found is None:
                return FINISHED
            if found.waiting and shift.budget.is_used_up:
                return self._hand_over(shift.lease, found.waiting[0])
            conversation = found

    def _empty_queue(self, conversation: Conversation, shift: _Shift) -> Conversation | SliceResult:
        """Execute the runs that are known to wait; return the conversation without them, or how the slice ended."""
        while conversation.waiting:
            run_id = conversation.waiting[0]
            match self._execute_first(conversation, shift):
                case Paused(until=None):
                    return self._hand_over(shift.lease, run_id)
                case Paused(until=until):
                    return _handed_over(shift.lease, run_id, until)
                case Ended(is_released=True):
                    return FINISHED
                case Ended(next_sequence=next_sequence, context=context, approval=approval):
                    waiting = conversation.waiting[1:]
                    conversation = replace(conversation, waiting=waiting, next_sequence=next_sequence)
                    conversation = replace(conversation, context=context, approval=approval)
            if waiting and shift.budget.is_used_up:
                return self._hand_over(shift.lease, waiting[0])
            shift.meter.begin_next_run()
        return conversation

    def _remove(self, shift: _Shift) -> SliceResult:
        lease = shift.lease
        is_gone = remove_conversation(self.database, lease, shift.heartbeat, shift.budget, self.clock)
        return FINISHED if is_gone else self._hand_over(lease, lease.conversation_id)

    def _execute_first(self, conversation: Conversation, shift: _Shift) -> Ended | Paused:
        lease = shift.lease
        run = self.database.runs.get(lease.tenant, conversation.waiting[0])
        if run is None:
            raise ValueError(
                f"conversation {conversation.id} queues run {conversation.waiting[0]}, which does not exist"
            )
        request, unreadable = self._read_request(run)
        with log_keys(run_id=run.id, agent_id=run.agent_id, correlation_id=request.correlation_id):
            state = RunState(lease, conversation, run, request, shift.meter, unreadable)
            loop = RunLoop(self.database, self.models, self.clock, self.sandbox, self.allow_private_mcp_servers)
            return loop.execute(state, shift.heartbeat, shift.budget)

    def _read_request(self, run: Run) -> tuple[RunRequest, Exception | None]:
        """Read what was asked; with an error that reading again may never mend, the request is an empty one."""
        try:
            return self.database.runs.get_request(run), None
        except PayloadMissingError as missing:
            return RunRequest(()), missing
        except TransientError:
            raise
        except Exception as unreadable:  # noqa: BLE001 -- raised once the start is counted, so that the run ends some time
            return RunRequest(()), unreadable

    def _hand_over(self, lease: Lease, run_id: str) -> SliceResult:
        self.database.conversations.hand_over(lease, self.clock.now())
        return _handed_over(lease, run_id)


def _connect_sandbox(arn: str) -> Sandbox:
    """Return the sandbox; its client, which takes a while to make, is made when a tool is first called."""

    def invoke(payload: dict[str, Any]) -> dict[str, Any]:
        from nightshift.storage.sandbox_function import SandboxFunction  # noqa: PLC0415 -- many runs call no tool

        return SandboxFunction(clients.functions(), arn).invoke(payload)

    return Sandbox(invoke)


def _handed_over(lease: Lease, run_id: str, until: datetime | None = None) -> SliceResult:
    outcome = SliceOutcome.WAITS if until else SliceOutcome.CONTINUES
    logger.info("conversation handed over", outcome=outcome.value, wait_until=until and until.isoformat())
    return SliceResult(outcome, lease, run_id, until)
