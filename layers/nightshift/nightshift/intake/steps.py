"""Finds steps, shows what they cost and said, and keeps what people think of them.

Steps have no index of their own: they are listed by the acceptance of their runs, then by number, which is the order in
which one conversation took them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice

from nightshift.domain import ids
from nightshift.domain.display import Json
from nightshift.domain.errors import ConditionFailedError, InvalidRequestError, NotFoundError
from nightshift.domain.run import Run
from nightshift.domain.step import Step
from nightshift.intake.listing import INDEX_PAGE, direction
from nightshift.intake.query import Queries
from nightshift.intake.wire.conversations import GiveFeedback
from nightshift.intake.wire.lists import ListStepsQuery, RunMessagesQuery
from nightshift.storage.database import Database


@dataclass(frozen=True, slots=True)
class StepQueries:
    """The steps of all tenants; every call names its tenant."""

    database: Database

    def get(self, tenant: str, step_id: str) -> Step:
        """Return the step of this well-formed id.

        Raises:
            NotFoundError: this tenant has none of this id.
        """
        run_id, number = ids.run_and_number_of_step(step_id)
        step = self.database.steps.get(tenant, run_id, number)
        if step is None or step.id != step_id:
            raise NotFoundError(f"Step not found: {step_id}")
        return step

    def page(self, tenant: str, query: ListStepsQuery) -> list[Step]:
        """Return a page of the tenant's or an agent's steps.

        Raises:
            NotFoundError: the cursor names no step.
        """
        if query.after is not None and query.before is not None:
            raise InvalidRequestError("a page begins after or ends before a thing; found both cursors")
        forward, is_backwards = direction(query)
        cursor = query.after or query.before
        steps = self._from(tenant, query.agent_id, cursor, forward=forward)
        page = list(islice((step for step in steps if _is_wanted(step, query)), query.limit))
        return page[::-1] if is_backwards else page

    def messages(self, tenant: str, step_id: str, query: RunMessagesQuery) -> list[Json]:
        """Return a page of what was said in the step."""
        step = self.get(tenant, step_id)
        return Queries(self.database).run_messages(tenant, step.run_id, query, step_id=step.id)

    def give_feedback(self, tenant: str, step_id: str, body: GiveFeedback) -> Step:
        """Keep what a person thinks of the step; what is not named is forgotten."""
        step = self.get(tenant, step_id)
        try:
            return self.database.steps.set_feedback(tenant, step, body.feedback, body.tags or [])
        except ConditionFailedError as failed:
            raise NotFoundError(f"Step not found: {step_id}") from failed

    def _from(self, tenant: str, agent_id: str | None, cursor: str | None, *, forward: bool) -> Iterator[Step]:
        """Yield steps beyond the cursor's: the rest of its run, then those of the runs that follow in the index."""
        start = None
        if cursor is not None:
            if not ids.is_well_formed("step", cursor):
                raise NotFoundError(f"Step not found: {cursor}")
            step = self.get(tenant, cursor)
            run = Queries(self.database).require_run(tenant, step.run_id)
            yield from self._beyond(run, step.number, forward=forward)
            start = Queries(self.database).index_key(tenant, run.id, agent_id)
        runs = self.database.runs
        while True:
            page = runs.list_page(tenant, agent_id, forward=forward, limit=INDEX_PAGE, start=start)
            for run in runs.get_many(tenant, [entry["run_id"] for entry in page.items]):
                yield from self._beyond(run, 0 if forward else run.step_count + 1, forward=forward)
            start = page.next_key
            if start is None:
                return

    def _beyond(self, run: Run, number: int, *, forward: bool) -> Iterator[Step]:
        first, last = (number + 1, run.step_count) if forward else (1, number - 1)
        return self.database.steps.read(run.tenant, run.id, first=first, last=last, forward=forward)


def _is_wanted(step: Step, query: ListStepsQuery) -> bool:
    checks = (
        query.agent_id is None or step.agent_id == query.agent_id,
        query.start_date is None or step.created_at >= _in_utc(query.start_date),
        query.end_date is None or step.created_at <= _in_utc(query.end_date),
        query.model is None or query.model in {step.model_handle, step.model_handle.partition("/")[2]},
        query.feedback is None or step.feedback == query.feedback,
        query.has_feedback is None or query.has_feedback is (step.feedback is not None),
        not query.tags or not set(query.tags).isdisjoint(step.tags),
        # No step has a trace id or a project.
        not query.trace_ids and query.project_id is None,
    )
    return all(checks)


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
