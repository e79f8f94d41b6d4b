"""What must hold once nothing is left to do, whatever struck on the way (promises 1 to 8)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from crash.world import World
from nightshift.delivery.body import build_body
from nightshift.domain.callback import CallbackDelivery, DeliveryStatus
from nightshift.domain.ids import sequence_of_message
from nightshift.domain.message import Message, ToolReturn
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from support.lane import TENANT


class Harm(StrEnum):
    LOST = "lost"
    DUPLICATED = "duplicated"
    STUCK = "stuck"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold."""

    harm: Harm
    what: str


def look_over(world: World) -> list[Finding]:
    """Return everything that does not hold."""
    runs, log = world.runs(), world.lane.log
    found = [*_runs(world, runs), *_conversation(world, log)]
    if world.lane.database.conversations.get(TENANT, world.lane.agent.id) is not None:
        found += [*_log(world, runs, log), *_calls(world, runs, log)]
    for run in runs:
        found += [*_steps(world, run), *_delivery(world, run)]
    if wrong := world.scenario.check(world):
        found.append(Finding(Harm.DUPLICATED, wrong))
    return found


def _runs(world: World, runs: list[Run]) -> Iterator[Finding]:
    stored = {run.id for run in runs}
    for run in world.accepted:
        if run.id not in stored:
            yield Finding(Harm.LOST, f"{run.id} was acknowledged and is not there")
    for run in runs:
        if not run.status.is_terminal:
            yield Finding(Harm.STUCK, f"{run.id} is {run.status}")
        elif run.stop_reason not in world.scenario.stop_reasons:
            yield Finding(Harm.LOST, f"{run.id} ended with {run.stop_reason}: {run.error}")
        if run.started_call_ids and run.status is not RunStatus.CANCELLED:
            yield Finding(Harm.STUCK, f"{run.id} has started {run.started_call_ids}")


def _conversation(world: World, log: list[Message]) -> Iterator[Finding]:
    if world.is_overdue():
        yield Finding(Harm.STUCK, "something is overdue")
    conversation = world.lane.database.conversations.get(TENANT, world.lane.agent.id)
    if conversation is None:
        if log or world.lane.database.agents.get(TENANT, world.lane.agent.id):
            yield Finding(Harm.STUCK, "the conversation is gone, its agent or its messages are not")
        return
    if conversation.is_deleted:
        yield Finding(Harm.STUCK, "the conversation is deleted and still there")
    if conversation.waiting or conversation.lease_holder:
        yield Finding(Harm.STUCK, f"{conversation.lease_holder} holds it, {conversation.waiting} wait")
    if conversation.next_sequence != len(log) + 1:
        yield Finding(Harm.LOST, f"the next message would be {conversation.next_sequence} after {len(log)}")


def _log(world: World, runs: list[Run], log: list[Message]) -> Iterator[Finding]:
    if [message.sequence for message in log] != list(range(1, len(log) + 1)):
        yield Finding(Harm.LOST, f"the log has a gap: {[message.sequence for message in log]}")
    for run in runs:
        own = [message.sequence for message in log if message.run_id == run.id]
        if own and (run.first_sequence, run.last_sequence) != (own[0], own[-1]):
            yield Finding(Harm.LOST, f"{run.id} has {run.first_sequence} to {run.last_sequence}, its messages {own}")
    wanted, requests = world.scenario.log_length, len(world.scenario.requests) + world.scenario.is_compacted
    if wanted is not None and len(runs) == requests and len(log) != wanted:
        harm = Harm.DUPLICATED if len(log) > wanted else Harm.LOST
        yield Finding(harm, f"{len(log)} messages instead of {wanted}: {world.lane.texts()}")


def _steps(world: World, run: Run) -> Iterator[Finding]:
    stored = world.lane.database.steps.read(TENANT, run.id, first=1, last=10**6, forward=True)
    numbers = [step.number for step in stored]
    if numbers != list(range(1, run.step_count + 1)):
        harm = Harm.DUPLICATED if len(numbers) > run.step_count else Harm.LOST
        yield Finding(harm, f"{run.id} counts {run.step_count} steps and has {numbers}")


def _calls(world: World, runs: list[Run], log: list[Message]) -> Iterator[Finding]:
    called = [call for message in log for call in message.draft.tool_calls]
    returns = [given for message in log for given in message.draft.tool_returns]
    returned = {given.tool_call_id: given for given in returns}
    if len(returned) != len(returns):
        yield Finding(Harm.DUPLICATED, f"calls answered twice: {[given.tool_call_id for given in returns]}")
    asked = world.lane.conversation.pending_approval
    open_at = sequence_of_message(asked.message_id) if asked else None
    open_calls = {call.id for message in log if message.sequence == open_at for call in message.draft.tool_calls}
    if missing := {call.id for call in called} - returned.keys() - open_calls:
        yield Finding(Harm.LOST, f"calls without a return: {missing}")
    if returned.keys() - {call.id for call in called}:
        yield Finding(Harm.LOST, "returns without a call")
    is_cancelled = any(run.status is RunStatus.CANCELLED for run in runs)
    for call in called:
        if call.name == "pay":
            yield from _execution(world, call.id, returned.get(call.id), is_cancelled)
    if stray := world.executions.keys() - {call.id for call in called}:
        yield Finding(Harm.DUPLICATED, f"executed for keys that no call has: {stray}")


def _execution(world: World, key: str, given: ToolReturn | None, is_cancelled: bool) -> Iterator[Finding]:
    times = world.executions[key]
    if given is None:
        if times:
            yield Finding(Harm.DUPLICATED, f"{key} was executed before it was approved")
    elif given.status == "success" and not times:
        yield Finding(Harm.LOST, f"{key} returned without an execution")
    elif world.scenario.is_never_repeated and times > 1:
        yield Finding(Harm.DUPLICATED, f"{key} was executed {times} times")
    elif given.status != "success" and not (is_cancelled or _is_unknown(world, given)):
        yield Finding(Harm.LOST, f"{key} returned {given.text}")


def _is_unknown(world: World, given: ToolReturn) -> bool:
    return world.scenario.is_never_repeated and "outcome is unknown" in given.text


def _delivery(world: World, run: Run) -> Iterator[Finding]:
    delivery = world.lane.database.deliveries.get(TENANT, run.id)
    posts = [request for request in world.receiver.requests if request.headers["x-run-id"] == run.id]
    if run.callback_url is None:
        if delivery or posts:
            yield Finding(Harm.DUPLICATED, f"{run.id} asked for no callback")
        return
    if delivery is None:
        yield Finding(Harm.LOST, f"{run.id} has no delivery")
        return
    if delivery.status is not DeliveryStatus.DELIVERED or not posts:
        yield Finding(Harm.LOST, f"the callback of {run.id} is {delivery.status}, {len(posts)} times sent")
    if {post.headers["webhook-id"] for post in posts} - {delivery.id}:
        yield Finding(Harm.DUPLICATED, f"{run.id} has more than one delivery")
    told = _told(world, run, delivery)
    for post in posts:
        said = json.loads(post.body)
        if {name: said[name] for name in told} != told:
            yield Finding(Harm.LOST, f"the callback of {run.id} says {said}, the run {told}")


def _told(world: World, run: Run, delivery: CallbackDelivery) -> dict[str, Any]:
    """Return what a callback has to say.

    A run that was cancelled while it was paused has told of its pause already; what tools return is kept even after a
    cancellation was told; and a deleted agent takes its messages along.
    """
    has_paused = delivery.stop_reason is StopReason.REQUIRES_APPROVAL
    outcome = {"run_id": run.id, "status": (RunStatus.COMPLETED if has_paused else run.status).value}
    is_kept = world.lane.database.conversations.get(TENANT, world.lane.agent.id) is not None
    if run.status is RunStatus.CANCELLED or not is_kept:
        return outcome
    messages = [message for message in world.lane.log if message.run_id == run.id]
    body: dict[str, Any] = json.loads(build_body(run, delivery, messages))
    return outcome | body
