"""A run is changed by compare-and-swap alone (promises 4, 7 and 8), and read whoever wrote it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from nightshift.domain import ids
from nightshift.domain.errors import ConditionFailedError
from nightshift.domain.message import MessageDraft, ReasoningPart, Role, TextPart, ToolCall, ToolReturn, Usage
from nightshift.domain.run import DisplayConfig, Run
from nightshift.domain.run_request import RunRequest
from nightshift.domain.run_status import RunStatus
from nightshift.domain.step import Step, StepStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.storage.database import Database
from nightshift.storage.runs import to_run
from support.clock import START

TENANT = "default"


def make_run(**changes: object) -> Run:
    """Return a run that was just accepted, with these changes."""
    agent_id = ids.new_id("agent")
    run = Run(ids.new_run_id(), TENANT, agent_id, agent_id, RunStatus.CREATED, START)
    return replace(run, **changes)  # type: ignore[arg-type]  # the caller names fields


def finished(run: Run) -> Run:
    return replace(
        run,
        status=RunStatus.COMPLETED,
        stop_reason=StopReason.END_TURN,
        started_at=START,
        completed_at=START + timedelta(seconds=3),
        fencing_token=1,
        first_sequence=1,
        last_sequence=2,
        step_count=1,
        usage=Usage(10, 5, 15, 2, 1, 3),
        ttft_ns=812_000_000,
    )


def test_every_field_survives_storage(database: Database) -> None:
    display = DisplayConfig(False, "say", "text", ("assistant_message",))
    run = finished(make_run(display=display, callback_url="https://example.org/hook", max_steps=3, wait_count=2))

    database.transact([database.runs.create(run)])

    assert database.runs.get(TENANT, run.id) == run


def test_advance_writes_what_changed(database: Database) -> None:
    run = make_run()
    database.transact([database.runs.create(run)])

    database.transact([database.runs.advance(run, finished(run))])

    assert database.runs.get(TENANT, run.id) == finished(run)


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"status": RunStatus.CANCELLED},
        {"status": RunStatus.RUNNING, "fencing_token": 2},
        {"last_sequence": 9, "first_sequence": 9},
        {"step_count": 4},
        {"starts_without_progress": 1},
    ],
    ids=str,
)
def test_advance_fails_if_anybody_wrote_meanwhile(database: Database, meanwhile: dict[str, object]) -> None:
    run = make_run()
    database.transact([database.runs.create(run)])
    other = replace(run, **meanwhile)  # type: ignore[arg-type]  # names of fields
    database.transact([database.runs.advance(run, other)])

    with pytest.raises(ConditionFailedError) as failed:
        database.transact([database.runs.advance(run, finished(run))])

    assert to_run(failed.value.found) == other
    assert database.runs.get(TENANT, run.id) == other


def test_run_is_created_once(database: Database) -> None:
    run = make_run()
    database.transact([database.runs.create(run)])

    with pytest.raises(ConditionFailedError):
        database.transact([database.runs.create(run)])


def test_failed_transaction_leaves_nothing_behind(database: Database) -> None:
    run, other = make_run(), make_run()
    database.transact([database.runs.create(run)])

    with pytest.raises(ConditionFailedError) as failed:
        database.transact([database.runs.create(other), database.runs.create(run)])

    assert failed.value.index == 1
    assert database.runs.get(TENANT, other.id) is None


@pytest.mark.parametrize("size", [10, 500_000], ids=["inline", "in the bucket"])
def test_request_survives_whatever_its_size(database: Database, size: int) -> None:
    run = make_run()
    draft = MessageDraft(
        Role.ASSISTANT,
        (TextPart("ü" * size, "signed"), ReasoningPart("because", is_native=False, signature="s")),
        (ToolCall("call_1", "find", '{"a": 1}'),),
        (ToolReturn("call_1", "find", "found", "success", ("out",), ("err",)),),
        name="n",
        otid="o",
        sender_id="s",
        group_id="g",
        batch_item_id="b",
    )
    request = RunRequest((draft,), "openai/x", "Be brief.", "correlation")

    database.transact([database.runs.create(run), database.runs.create_request(run, request)])

    assert database.runs.get_request(run) == request


def test_steps_are_read_by_range_in_both_directions(database: Database) -> None:
    run = make_run()
    steps = [
        Step(ids.step_id(run.id, n), run.id, run.agent_id, n, StepStatus.SUCCESS, START, "openai/x", None, 1_000)
        for n in range(1, 6)
    ]
    database.transact([database.steps.put(TENANT, step) for step in steps])

    def numbers(first: int, last: int, *, forward: bool) -> list[int]:
        found = database.steps.read(TENANT, run.id, first=first, last=last, forward=forward)
        return [step.number for step in found]

    assert numbers(2, 4, forward=True) == [2, 3, 4]
    assert numbers(1, 99, forward=False) == [5, 4, 3, 2, 1]
    assert numbers(3, 2, forward=True) == []
    assert next(database.steps.read(TENANT, run.id, first=1, last=1, forward=True)) == steps[0]


def test_item_of_a_plain_run_stays_within_one_write_unit(database: Database) -> None:
    run = finished(make_run(callback_url="https://hooks.example.org/nightshift/callback", error="x" * 100))

    item = database.runs.create(run).item

    assert sum(len(name) + len(str(value)) for name, value in item.items()) < 1_024


def test_item_of_the_first_version_is_still_read() -> None:
    """As it was stored by 0.1.0; fields that came later have their defaults."""
    stored = {
        "pk": "default#run-0b7e4c1d-3f55-4a29-9c60-000000e3b4c5",
        "sk": "run",
        "tenant": "default",
        "tenant_agent": "default#agent-5c1f7a52-9d0e-4b6f-8a37-2e4d90c1b7aa",
        "created_order": "2026-11-25T09:45:38.378534Z#0b7e4c1d-3f55-4a29-9c60-000000e3b4c5",
        "status": "running",
        "fencing_token": 1,
        "step_count": 0,
        "starts_without_progress": 1,
        "started_at": "2026-11-25T09:45:38.422264Z",
        "first_sequence": 3,
        "last_sequence": 3,
    }

    run = to_run(stored)

    assert run.id == "run-0b7e4c1d-3f55-4a29-9c60-000000e3b4c5"
    assert run.conversation_id == run.agent_id == "agent-5c1f7a52-9d0e-4b6f-8a37-2e4d90c1b7aa"
    assert (run.status, run.first_sequence, run.wait_count) == (RunStatus.RUNNING, 3, 0)
