"""The writes of a run's execution: begin, record, compact, finish.

Each is one transaction whose first write advances the Run.

    begin     run starts · its input messages                           the user's words are kept whatever follows
    record    run counts on · messages · step                           before a tool runs, and after it ran
    compact   run counts on · summary · system message · context    nothing is out of view without its summary
    finish    run ends · messages · step · leaves the queue · delivery  all visible together (promise 8)

Every one fails as a whole when another runner or a cancellation was there first (promises 4 and 7).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.approval import ApprovalRequest
from nightshift.domain.conversation import ContextStart
from nightshift.domain.errors import ConditionFailedError, LeaseLostError, NightshiftError
from nightshift.domain.message import Message, MessageDraft, Role, ToolCall, ToolReturn
from nightshift.domain.run import Run, Spent
from nightshift.domain.run_status import RunStatus
from nightshift.domain.step import Step
from nightshift.domain.stop_reason import StopReason, status_of
from nightshift.execution.approvals import approval_after, return_of
from nightshift.execution.cancelled_calls import answer_cancelled_calls
from nightshift.execution.run_state import Entry, RunEndedError, RunState
from nightshift.storage.conversations import Departure
from nightshift.storage.database import Database
from nightshift.storage.dynamo import Write
from nightshift.storage.runs import to_run

MAX_MESSAGES_PER_TRANSACTION = 50
"""Below the 100 writes of a transaction, and with the largest inline payloads below its 4 MB."""


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """Writes checkpoints and keeps `RunState` equal to what was written."""

    database: Database
    clock: Clock

    def start(self, state: RunState) -> None:
        """Put this runner's fencing token on the run, so that no older runner can write any more.

        Raises:
            LeaseLostError: a newer runner has it.
            RunEndedError: it is terminal.
        """
        run, token = state.run, state.lease.fencing_token
        if run.status.is_terminal:
            raise RunEndedError(run)
        if run.fencing_token > token:
            raise LeaseLostError(f"run {run.id} belongs to a newer runner")
        started = replace(
            run,
            status=RunStatus.RUNNING,
            started_at=run.started_at or self.clock.now(),
            fencing_token=token,
            starts_without_progress=run.starts_without_progress + 1,
        )
        inputs = state.unwritten_inputs if run.last_sequence is None else ()
        self._advance(state, started, _first_entries(run, inputs))

    def append_remaining_inputs(self, state: RunState) -> None:
        """Append the inputs that did not fit into the first transaction; goes on where a crash left off."""
        while state.run.step_count == 0:
            inputs = state.unwritten_inputs
            if not inputs:
                return
            self._advance(state, replace(state.run, starts_without_progress=0), _first_entries(state.run, inputs))

    def record(
        self,
        state: RunState,
        changed: Run,
        entries: Sequence[Entry],
        step: Step | None = None,
        beside: Sequence[Write] = (),
    ) -> None:
        """Write what has happened and go on; `beside` is what tools write, in the same transaction.

        Raises:
            LeaseLostError: another runner executes the conversation; nothing was written.
            RunEndedError: the run was ended by another hand; nothing was written.
            ChangedMeanwhileError: what tools write is not as they read it; nothing was written.
        """
        counted = replace(changed, starts_without_progress=0, started_call_ids=())
        self._advance(state, counted, entries, step, beside)

    def mark_started(self, state: RunState, call_ids: Sequence[str]) -> None:
        """Note on the run that calls which must never be repeated are executed from here on: one write unit.

        Raises:
            LeaseLostError: another runner executes the conversation; nothing was written.
            RunEndedError: the run was ended by another hand; nothing was written.
        """
        marked = replace(state.metered(state.run), started_call_ids=(*state.run.started_call_ids, *call_ids))
        try:
            self.database.dynamo.write(self.database.runs.advance(state.run, marked))
        except ConditionFailedError as failed:
            raise _why(failed, state) from failed
        state.run = marked

    def finish(
        self,
        state: RunState,
        changed: Run,
        stop_reason: StopReason,
        entries: Sequence[Entry] = (),
        step: Step | None = None,
        beside: Sequence[Write] = (),
    ) -> bool:
        """End the run; return whether the conversation was released with it, since no other run waited.

        Raises:
            LeaseLostError: another runner executes the conversation; nothing was written.
            RunEndedError: the run was ended by another hand; nothing was written.
            ChangedMeanwhileError: what tools write is not as they read it; nothing was written.
        """
        ended = replace(
            changed,
            status=status_of(stop_reason),
            stop_reason=stop_reason,
            completed_at=self.clock.now(),
            fencing_token=state.lease.fencing_token,
            started_call_ids=(),
        )
        return _release_if_alone(
            state, lambda releases: self._end(state, ended, entries, step, beside, releases=releases)
        )

    def compact(
        self,
        state: RunState,
        changed: Run,
        entries: Sequence[Entry],
        kept: Sequence[Message],
        system: Message,
        step: Step | None,
    ) -> None:
        """Write a summary, the last of `entries`, and let the context go on with it and what is kept.

        Raises:
            LeaseLostError: another runner executes the conversation; nothing was written.
            RunEndedError: the run was ended by another hand; nothing was written.
        """
        *_, summary = messages = self._place(state, entries)
        start = ContextStart(summary.sequence, kept[0].sequence if kept else summary.sequence)
        changed = _reaching(replace(state.metered(changed), starts_without_progress=0), messages)
        writes: list[Write] = [
            self.database.runs.advance(state.run, changed),
            self.database.conversations.start_context(state.lease, start),
            self.database.messages.replace_system(changed.tenant, changed.conversation_id, system),
        ]
        self._transact(state, [*writes, *self._additions(state, messages, step)])
        state.run, state.context = changed, [summary, *kept]
        state.conversation = replace(state.conversation, context=start)

    def sleep(self, state: RunState, changed: Run, until: datetime) -> None:
        """Count the wait and give the conversation back asleep, in one write; see `Conversations.put_to_sleep`.

        Raises:
            LeaseLostError: another runner executes the conversation; nothing was written.
            RunEndedError: the run was ended by another hand; nothing was written.
        """
        slept = replace(state.metered(changed), starts_without_progress=0)
        sleep = self.database.conversations.put_to_sleep(state.lease, until)
        self._transact(state, [self.database.runs.advance(state.run, slept), sleep])
        state.run = slept

    def leave_queue(self, state: RunState) -> bool:
        """Take a run off the queue that another hand has ended; return whether the conversation was released with it.

        What its tools returned is kept, and a call that nobody answers any more gets an error return, so that the
        history stays one that a model takes.
        """
        messages = self._place(state, self.missing_returns(state))
        left = _reaching(state.metered(state.run), messages)
        writes: list[Write] = [self.database.runs.advance(state.run, left)] if messages else []
        writes += self._additions(state, messages, None)
        approval = approval_after(state.conversation, state.request, left, messages)
        is_released = _release_if_alone(
            state, lambda releases: self._transact(state, [self._dequeue(state, left, releases, approval), *writes])
        )
        state.run = left
        state.conversation = replace(state.conversation, approval=approval or state.conversation.approval)
        return is_released

    def missing_returns(self, state: RunState) -> list[Entry]:
        """Return what answers the run's open calls when nobody executes them any more."""
        run = state.run
        if run.last_sequence is None:
            return []
        get = self.database.messages.get
        last = get(run.tenant, run.conversation_id, run.last_sequence)
        if last is not None and last.role is Role.APPROVAL:
            last = get(run.tenant, run.conversation_id, last.sequence - 1)
        if last is None or not last.draft.tool_calls:
            return []
        given = {one.id: given for one in last.draft.tool_calls if (given := self._told(state, one))}
        return [Entry(answer_cancelled_calls(last.draft.tool_calls, given | state.returns), last.step_id)]

    def _told(self, state: RunState, call: ToolCall) -> ToolReturn | None:
        """Return what the client has said of a call that nobody executes any more."""
        answers = (answer for answer in state.opening.answers if answer.tool_call_id == call.id)
        return next((return_of(call, answer) for answer in answers), None)

    def _end(
        self,
        state: RunState,
        ended: Run,
        entries: Sequence[Entry],
        step: Step | None,
        beside: Sequence[Write],
        *,
        releases: bool,
    ) -> None:
        messages = self._place(state, entries)
        ended = _reaching(state.metered(ended), messages)
        approval = approval_after(state.conversation, state.request, ended, messages)
        others = [self._dequeue(state, ended, releases, approval), *self._additions(state, messages, step)]
        ended = self._with_last_write(state, ended, [*others, *beside])
        ending = self.database.runs.end(state.run, ended, state.request.correlation_id)
        self._transact(state, [*ending, *others], beside)
        state.run = ended
        state.conversation = replace(state.conversation, approval=approval or state.conversation.approval)

    def _with_last_write(self, state: RunState, ended: Run, others: Sequence[Write]) -> Run:
        """Return the run with what its terminal transaction will be charged, which no later write could add."""
        from nightshift.storage.write_units import estimate_write_units  # noqa: PLC0415 -- once in a run

        ending = self.database.runs.end(state.run, ended, state.request.correlation_id)
        units = estimate_write_units([*ending, *others])
        return replace(ended, spent=ended.spent + Spent(write_units=units))

    def _dequeue(self, state: RunState, run: Run, releases: bool, approval: ApprovalRequest | None) -> Write:
        conversations = self.database.conversations
        write = conversations.dequeue_and_release if releases else conversations.dequeue
        next_sequence = state.next_sequence if run.last_sequence is None else run.last_sequence + 1
        reason = run.stop_reason or StopReason.ERROR
        return write(state.lease, Departure(run.id, next_sequence, reason, self.clock.now(), approval))

    def _advance(
        self,
        state: RunState,
        changed: Run,
        entries: Sequence[Entry],
        step: Step | None = None,
        beside: Sequence[Write] = (),
    ) -> None:
        messages = self._place(state, entries)
        changed = _reaching(state.metered(changed), messages)
        writes: list[Write] = [self.database.runs.advance(state.run, changed)]
        self._transact(state, [*writes, *self._additions(state, messages, step)], beside)
        state.run = changed
        state.context += messages

    def _place(self, state: RunState, entries: Sequence[Entry]) -> list[Message]:
        now, first = self.clock.now(), state.next_sequence
        return [
            Message(ids.message_id(place), place, now, entry.draft, state.run.id, entry.step_id)
            for place, entry in enumerate(entries, first)
        ]

    def _additions(self, state: RunState, messages: Sequence[Message], step: Step | None) -> list[Write]:
        tenant, conversation_id = state.run.tenant, state.run.conversation_id
        writes: list[Write] = [self.database.messages.append(tenant, conversation_id, message) for message in messages]
        if step:
            writes.append(self.database.steps.put(tenant, step))
            if outputs := state.outputs.get(step.id):
                writes.append(self.database.outputs.put(state.run, step.number, outputs))
        return writes

    def _transact(self, state: RunState, writes: Sequence[Write], beside: Sequence[Write] = ()) -> None:
        try:
            self.database.transact([*writes, *beside])
        except ConditionFailedError as failed:
            if failed.index >= len(writes):
                raise ChangedMeanwhileError(f"what tools of run {state.run.id} write was changed by others") from failed
            raise _why(failed, state) from failed


def _release_if_alone(state: RunState, leave: Callable[[bool], None]) -> bool:
    """Leave the queue and give the conversation back in one write if no other run waits; return whether it was so."""
    if len(state.conversation.waiting) == 1:
        try:
            leave(True)
        except _OthersWaitError:
            pass
        else:
            return True
    leave(False)
    return False


class ChangedMeanwhileError(NightshiftError):
    """What tools write was changed by others since they read it: do the calls again."""


class _OthersWaitError(Exception):
    """A run was accepted since the conversation was read: the lease can't be given back with this write."""


def _why(failed: ConditionFailedError, state: RunState) -> Exception:
    """Tell from the item that was found why a checkpoint was refused."""
    token = state.lease.fencing_token
    lost = LeaseLostError(f"run {state.run.id} or its conversation belongs to another runner")
    if "waiting" in failed.found:
        return _OthersWaitError() if failed.found["fencing_token"] == token else lost
    if "created_order" in failed.found:
        found = to_run(failed.found)
        return RunEndedError(found) if found.status.is_terminal and found.fencing_token <= token else lost
    return lost


def _reaching(run: Run, messages: Sequence[Message]) -> Run:
    """Return the run with its range of the log stretched over these messages."""
    if not messages:
        return run
    first = messages[0].sequence if run.first_sequence is None else run.first_sequence
    return replace(run, first_sequence=first, last_sequence=messages[-1].sequence)


def _first_entries(run: Run, inputs: Sequence[MessageDraft]) -> list[Entry]:
    """Return as many inputs as one transaction takes; all but a client's answer belong to the run's first step."""
    step_id = ids.step_id(run.id, 1)
    return [
        Entry(draft, None if draft.role is Role.APPROVAL else step_id)
        for draft in inputs[:MAX_MESSAGES_PER_TRANSACTION]
    ]
