"""Where is my run? Told from stored facts alone: what it waits for, who has it, what wakes it, how it went so far.

The logs tell the same (the saved query "where is my run"); this tells it when there are none, and in one request.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from nightshift.clock import Clock, to_iso
from nightshift.domain.callback import CallbackDelivery, DeliveryStatus
from nightshift.domain.conversation import Conversation
from nightshift.domain.display import Json
from nightshift.domain.run import Run
from nightshift.domain.step import Step
from nightshift.domain.stop_reason import StopReason
from nightshift.storage.database import Database
from nightshift.storage.pauses import Pausable

MAX_STEPS: Final = 20
"""Newest steps that a timeline shows."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a run waits for.

    Attributes:
        what: one word for programs: nothing, runner, earlier_runs, dead_runner, doorbell, provider, operator,
            client, callback.
        text: one sentence for people.
        wakes_at: when something happens next at the latest, as far as that is stored; the sweeper looks every minute.
    """

    what: str
    text: str
    wakes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Explanations:
    """Explains runs; reads and never writes."""

    database: Database
    clock: Clock

    def explain(self, run: Run) -> Json:
        """Return the explanation of a run, in at most five reads."""
        lane = self.database.conversations.get(run.tenant, run.conversation_id)
        has_delivery = run.callback_url is not None and run.status.is_terminal
        delivery = self.database.deliveries.get(run.tenant, run.id) if has_delivery else None
        first = max(1, run.step_count - MAX_STEPS + 1)
        steps = list(self.database.steps.read(run.tenant, run.id, first=first, last=run.step_count, forward=True))
        now = self.clock.now()
        wait = _wait_of_ended(run, lane, delivery) if run.status.is_terminal else self._wait_of_active(run, lane, now)
        return {
            "run_id": run.id,
            "agent_id": run.agent_id,
            "conversation_id": run.public_conversation_id,
            "status": run.status.value,
            "stop_reason": run.stop_reason.value if run.stop_reason else None,
            "asked_at": to_iso(now),
            "waits_for": wait.what,
            "explanation": wait.text,
            "next_wake_up_at": _iso(wait.wakes_at),
            "last_error": _last_error(run, steps, delivery),
            "queue": _show_queue(run, lane),
            "lease": _show_lease(run, lane, now),
            "callback": _show_callback(delivery),
            "progress": {
                "step_count": run.step_count,
                "max_steps": run.max_steps,
                "starts_without_progress": run.starts_without_progress,
                "provider_waits": run.wait_count,
            },
            "timeline": _timeline(run, steps, delivery),
        }

    def _wait_of_active(self, run: Run, lane: Conversation | None, now: datetime) -> Wait:
        is_held = lane is not None and lane.lease_expires_at is not None and lane.lease_expires_at >= now
        if not is_held and Pausable.EXECUTION in self.database.pauses.of(run.tenant):
            return Wait("operator", "execution of this tenant's runs is paused; it goes on with `make resume`")
        return _wait_of_active(run, lane, now)


def _wait_of_ended(run: Run, lane: Conversation | None, delivery: CallbackDelivery | None) -> Wait:
    asked = lane.pending_approval if lane else None
    if run.stop_reason is StopReason.REQUIRES_APPROVAL and asked and asked.run_id == run.id:
        return Wait("client", "the run has paused and asks its client to approve tool calls, or to run them")
    if delivery and delivery.status is DeliveryStatus.PENDING:
        text = f"the run is {run.status}; its callback has had {delivery.attempt} attempts and is tried again"
        return Wait("callback", text, delivery.next_attempt_at)
    return Wait("nothing", f"the run is {run.status} and nothing of it is left to do")


def _wait_of_active(run: Run, lane: Conversation | None, now: datetime) -> Wait:
    if lane is None or run.id not in lane.waiting:
        return Wait("nothing", "no conversation has this run in its queue: nothing will execute it")
    place = lane.waiting.index(run.id)
    if place:
        return Wait("earlier_runs", f"{place} runs of the same conversation come first", lane.due_at)
    if lane.asleep_until and lane.asleep_until > now:
        return Wait("provider", "the model's provider asked for time; the run sleeps until then", lane.asleep_until)
    if lane.lease_holder is None:
        return Wait("doorbell", "a runner was rung for; if none comes, the sweeper rings when it is due", lane.due_at)
    if lane.lease_expires_at and lane.lease_expires_at < now:
        return Wait("dead_runner", "its runner gave no sign of life; the sweeper rings for another", lane.due_at)
    text = f"a runner works on step {run.step_count + 1} and renews its lease; without that the lease ends by itself"
    return Wait("runner", text, lane.lease_expires_at)


def _last_error(run: Run, steps: list[Step], delivery: CallbackDelivery | None) -> str | None:
    """Return the newest failure that is stored: the run's own, a step's, or its callback's."""
    if run.error:
        return run.error
    failed = next((step.error for step in reversed(steps) if step.error), None)
    return failed or (delivery.error if delivery else None)


def _show_queue(run: Run, lane: Conversation | None) -> Json | None:
    if lane is None or run.id not in lane.waiting:
        return None
    place = lane.waiting.index(run.id)
    return {"position": place + 1, "length": len(lane.waiting), "executing_or_next": lane.waiting[0]}


def _show_lease(run: Run, lane: Conversation | None, now: datetime) -> Json | None:
    """Return who holds the conversation, if it is this run that is executed under the lease."""
    if lane is None or lane.lease_holder is None or lane.waiting[:1] != (run.id,):
        return None
    is_expired = lane.lease_expires_at is not None and lane.lease_expires_at < now
    return {
        "holder": lane.lease_holder,
        "expires_at": _iso(lane.lease_expires_at),
        "is_expired": is_expired,
        "fencing_token": lane.fencing_token,
    }


def _show_callback(delivery: CallbackDelivery | None) -> Json | None:
    if delivery is None:
        return None
    is_pending = delivery.status is DeliveryStatus.PENDING
    return {
        "id": delivery.id,
        "status": delivery.status.value,
        "attempts": delivery.attempt,
        "status_code": delivery.status_code,
        "error": delivery.error,
        "next_attempt_at": _iso(delivery.next_attempt_at) if is_pending else None,
    }


def _timeline(run: Run, steps: list[Step], delivery: CallbackDelivery | None) -> list[Json]:
    """Return what is known to have happened, in its order."""
    events = [(run.created_at, "accepted", ""), (run.started_at, "started", "")]
    for step in steps:
        failure = f", {step.error_type}: {step.error}" if step.error else ""
        text = f"{step.model_handle} answered {step.status} after {step.model_ns / 1e9:.1f} s{failure}"
        events.append((step.created_at, f"step {step.number}", text))
    events.append((run.completed_at, run.status.value, run.stop_reason.value if run.stop_reason else ""))
    if delivery:
        result = delivery.error or f"HTTP {delivery.status_code}"
        events.append((delivery.sent_at, f"callback attempt {delivery.attempt}", result))
    return [{"at": to_iso(at), "event": event, "detail": detail} for at, event, detail in events if at is not None]


def _iso(moment: datetime | None) -> str | None:
    return to_iso(moment) if moment else None
