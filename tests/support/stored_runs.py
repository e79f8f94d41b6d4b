"""Runs that have ended and wait for their callback, as the terminal transaction leaves them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from nightshift.domain import ids
from nightshift.domain.callback import CallbackDelivery
from nightshift.domain.message import Message, MessageDraft, Role, TextPart, ToolCall, Usage
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.storage.database import Database

TENANT = "default"
AGENT_ID = "agent-719c8785-e8bd-45b2-8d79-4e67790b2ca8"
CORRELATION_ID = "d5e1c7a0-4b32-4f0e-9c55-7a1b2c3d4e5f"
RUN_ID = "run-0b8f7d52-6c1e-4a39-9d24-000000c4e7a1"
"""The run that the files of `events/` speak of."""

DELIVERY_ID = "delivery-3f0c9d1e-77aa-4b6e-8e0b-5a1f2c3d4e5f"
COMPLETED_AT = datetime(2026, 11, 25, 8, 59, 58, 250_000, tzinfo=UTC)


def ended_run(**changes: Any) -> Run:
    """Build a completed run of one user message and one answer, with these changes."""
    run = Run(
        id=RUN_ID,
        tenant=TENANT,
        agent_id=AGENT_ID,
        conversation_id=AGENT_ID,
        status=RunStatus.COMPLETED,
        created_at=datetime(2026, 11, 25, 8, 59, 56, tzinfo=UTC),
        stop_reason=StopReason.END_TURN,
        started_at=datetime(2026, 11, 25, 8, 59, 56, 500_000, tzinfo=UTC),
        completed_at=COMPLETED_AT,
        fencing_token=1,
        first_sequence=1,
        last_sequence=2,
        step_count=1,
        usage=Usage(prompt_tokens=120, completion_tokens=9, total_tokens=129),
    )
    return replace(run, **changes)


def delivery_of(run: Run, url: str) -> CallbackDelivery:
    """Build the delivery that the terminal write makes for a run."""
    assert run.stop_reason
    assert run.completed_at
    return CallbackDelivery(
        id=DELIVERY_ID if run.id == RUN_ID else ids.new_id("delivery"),
        tenant=run.tenant,
        run_id=run.id,
        url=url,
        run_status=run.status,
        stop_reason=run.stop_reason,
        run_completed_at=run.completed_at,
        correlation_id=CORRELATION_ID,
    )


def one_turn(run: Run, question: str = "What is my name?", reply: str = "Bob — 名前") -> list[Message]:
    """Build the user's message and the model's answer of a run."""
    step_id = ids.step_id(run.id, 1)
    drafts = [
        MessageDraft(Role.USER, (TextPart(question),), otid="3d3d2f4a-5b10-4b7e-8a39-ff1e0f1f2a10"),
        MessageDraft(Role.ASSISTANT, (TextPart(reply),), tool_calls=(ToolCall("call_1", "noop", '{"x": 1}'),)),
    ]
    return [
        Message(ids.message_id(sequence), sequence, COMPLETED_AT, draft, run.id, step_id)
        for sequence, draft in enumerate(drafts, start=run.first_sequence or 1)
    ]


def store_ended_run(
    database: Database, url: str, now: datetime, run: Run | None = None, messages: Sequence[Message] | None = None
) -> CallbackDelivery:
    """Store a run, its messages and its pending delivery in one transaction, due at `now`."""
    run = run or ended_run()
    delivery = delivery_of(run, url)
    kept = one_turn(run) if messages is None else messages
    database.transact(
        [
            database.runs.create(run),
            database.deliveries.create(delivery, now),
            *(database.messages.append(run.tenant, run.conversation_id, message) for message in kept[:90]),
        ]
    )
    for message in kept[90:]:
        database.transact([database.messages.append(run.tenant, run.conversation_id, message)])
    return delivery
