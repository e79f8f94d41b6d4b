"""Answers questions about runs and what was said in them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING

from nightshift.domain import ids
from nightshift.domain.display import Json, is_unseen_in_run, show_messages
from nightshift.domain.errors import InvalidRequestError, NotFoundError
from nightshift.domain.message import Message
from nightshift.domain.run import DisplayConfig, Run
from nightshift.domain.run_status import ACTIVE_STATUSES
from nightshift.domain.step import Step
from nightshift.intake.conversation_path import Place, find_place
from nightshift.intake.history import HIGHEST, read_history
from nightshift.intake.listing import Listing, direction, list_indexed, take_page
from nightshift.intake.show import RunView, show_run
from nightshift.intake.wire.base import PageQuery
from nightshift.intake.wire.conversations import ConversationMessagesQuery
from nightshift.intake.wire.lists import AgentMessagesQuery, ListRunsQuery, RunMessagesQuery
from nightshift.storage.database import Database
from nightshift.storage.dynamo import Item

if TYPE_CHECKING:
    from nightshift.domain.step_outputs import StepOutputs

type _HistoryQuery = AgentMessagesQuery | ConversationMessagesQuery


@dataclass(frozen=True, slots=True)
class Queries:
    """Reads for the API; another tenant's things are as unknown as those that don't exist (promise 12)."""

    database: Database

    def run(self, tenant: str, run_id: str) -> RunView:
        """Return a run.

        Raises:
            InvalidRequestError: the id is malformed.
            NotFoundError: this tenant has none of this id.
        """
        run = self._run(tenant, run_id)
        has_delivery = run.callback_url is not None and run.status.is_terminal
        delivery = self.database.deliveries.get(tenant, run_id) if has_delivery else None
        return RunView(run, delivery, self.outputs(run))

    def outputs(self, run: Run) -> "list[StepOutputs]":
        """Return what a run that is over asked to be told of its model's tokens."""
        return self.database.outputs.read(run) if run.has_outputs and run.status.is_terminal else []

    def runs(self, tenant: str, query: ListRunsQuery) -> list[RunView]:
        """Return a page of runs by time of acceptance."""
        if query.ascending is not None:
            query = query.model_copy(update={"order": "asc" if query.ascending else "desc"})
        agent_ids = {*query.agent_ids, *([query.agent_id] if query.agent_id else [])}
        agent_id = next(iter(agent_ids)) if len(agent_ids) == 1 else None
        runs = self.database.runs
        listing = Listing(
            page=lambda forward, limit, start: runs.list_page(
                tenant, agent_id, forward=forward, limit=limit, start=start
            ),
            load=lambda entries: runs.get_many(tenant, [entry["run_id"] for entry in entries]),
            is_wanted=lambda run: _is_wanted(run, query, agent_ids),
            show=lambda run: show_run(RunView(run)),
            start_of=lambda run_id: self.index_key(tenant, run_id, agent_id),
        )
        found = list_indexed(listing, query)
        announced = [run.id for run in found if run.callback_url and run.status.is_terminal]
        deliveries = self.database.deliveries.get_many(tenant, announced)
        return [RunView(run, deliveries.get(run.id)) for run in found]

    def steps(self, tenant: str, run_id: str, query: PageQuery) -> list[Step]:
        """Return a page of the run's steps by number."""
        run = self._run(tenant, run_id)
        cursors = [_step_number(run, cursor) for cursor in (query.after, query.before)]
        first, last = _range(query, 1, run.step_count, cursors)
        forward, is_backwards = direction(query)
        steps = self.database.steps.read(tenant, run_id, first=first, last=last, forward=forward)
        page = list(islice(steps, query.limit))
        return page[::-1] if is_backwards else page

    def run_messages(
        self, tenant: str, run_id: str, query: RunMessagesQuery, *, step_id: str | None = None
    ) -> list[Json]:
        """Return a page of the run's messages as shown, with `step_id` only of that step.

        The limit counts stored messages of which something is shown; their parts are never cut apart.
        """
        run = self._run(tenant, run_id)
        if run.first_sequence is None or run.last_sequence is None:
            return []
        cursors = [self._sequence(run.conversation_id, tenant, cursor) for cursor in (query.after, query.before)]
        first, last = _range(query, run.first_sequence, run.last_sequence, cursors)
        forward, is_backwards = direction(query)
        messages = self.database.messages.read(
            tenant, run.conversation_id, first=first, last=last, newest_first=not forward
        )
        shown = (message for message in messages if not is_unseen_in_run(message))
        wanted = (message for message in shown if step_id is None or message.step_id == step_id)
        return _show_page(wanted, query.limit, run.display, is_turned=is_backwards)

    def all_run_messages(self, run: Run) -> list[Json]:
        """Return all that the run shows, oldest first, as much as fits into an answer."""
        return self.run_messages(run.tenant, run.id, RunMessagesQuery(limit=1_000))

    def agent_messages(self, tenant: str, agent_id: str, query: AgentMessagesQuery) -> list[Json]:
        """Return messages of the agent's default conversation or of the one that is named, always oldest first.

        Cursors are absolute in time whatever the order: `after` is newer, `before` older. `desc` selects the newest.

        Raises:
            NotFoundError: this tenant has no such agent, or the agent no such conversation.
        """
        place = find_place(self.database, tenant, query.conversation_id or agent_id, agent_id)
        if place.lane.agent_id != agent_id:
            raise NotFoundError(f"Conversation not found: {query.conversation_id}")
        newest_first = query.order == "desc" and query.after is None
        return self._history(place, query, newest_first=newest_first, is_turned=newest_first)

    def conversation_messages(self, place: Place, query: ConversationMessagesQuery) -> list[Json]:
        """Return a page of a conversation's messages in the order asked for, those nearest to a cursor.

        Cursors are absolute in time: `after` is newer, `before` older.
        """
        newest_first = query.order == "desc" if query.after is query.before else query.before is not None
        return self._history(
            place, query, newest_first=newest_first, is_turned=newest_first is not (query.order == "desc")
        )

    def _history(self, place: Place, query: _HistoryQuery, *, newest_first: bool, is_turned: bool) -> list[Json]:
        lane = place.lane
        after, before = (self._sequence(lane.id, lane.tenant, cursor) for cursor in (query.after, query.before))
        first = 0 if after is None else after + 1
        last = HIGHEST if before is None else before - 1
        messages = read_history(self.database, lane, first=first, last=last, newest_first=newest_first)
        wanted = (one for one in messages if query.group_id is None or one.draft.group_id == query.group_id)
        types = query.include_return_message_types
        display = DisplayConfig(include_return_message_types=None if types is None else tuple(types))
        return _show_page(wanted, query.limit, display, is_turned=is_turned)

    def require_run(self, tenant: str, run_id: str) -> Run:
        """Return a run without its delivery; raises as `run` does."""
        return self._run(tenant, run_id)

    def _run(self, tenant: str, run_id: str) -> Run:
        if not ids.is_well_formed("run", run_id):
            raise InvalidRequestError(
                f"INVALID_ARGUMENT: Invalid run ID format: {run_id}. Expected format: 'run-<uuid4>'",
            )
        run = self.database.runs.get(tenant, run_id)
        if run is None:
            raise NotFoundError(f"Run not found: {run_id}")
        return run

    def index_key(self, tenant: str, run_id: str, agent_id: str | None) -> Item:
        """Return a run's place in the index that is read; among another agent's runs, the place it would have there."""
        run = self._run(tenant, run_id)
        if agent_id is None:
            return self.database.runs.index_key(run)["by_tenant"]
        return self.database.runs.index_key(replace(run, agent_id=agent_id))["by_agent"]

    def _sequence(self, conversation_id: str, tenant: str, cursor: str | None) -> int | None:
        """Return the place of the message that a cursor names, which must exist in this conversation."""
        if cursor is None:
            return None
        if ids.is_well_formed("message", cursor):
            sequence = ids.sequence_of_message(cursor)
            found = self.database.messages.get(tenant, conversation_id, sequence)
            if found is not None and found.id == cursor:
                return sequence
        raise NotFoundError(f"Message not found: {cursor}")


def _show_page(messages: Iterable[Message], limit: int, display: DisplayConfig, *, is_turned: bool) -> list[Json]:
    """Show the first `limit` messages that show anything: a page must not be empty while others follow it."""
    shown = (show_messages([message], display) for message in messages)
    page = take_page((parts for parts in shown if parts), limit, lambda parts: parts)
    return [part for parts in (page[::-1] if is_turned else page) for part in parts]


def _range(query: PageQuery, first: int, last: int, cursors: Sequence[int | None]) -> tuple[int, int]:
    """Return the numbers that a page may hold: what follows `after` and precedes `before` in the query's order."""
    after, before = cursors if query.order == "asc" else (cursors[1], cursors[0])
    return (
        first if after is None else max(first, after + 1),
        last if before is None else min(last, before - 1),
    )


def _step_number(run: Run, cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if ids.is_well_formed("step", cursor):
        run_id, number = ids.run_and_number_of_step(cursor)
        if run_id == run.id:
            return number
    raise NotFoundError(f"Step not found in this run: {cursor}")


def _named_default(run: Run) -> str | None:
    return "default" if run.public_conversation_id is None else None


def _is_wanted(run: Run, query: ListRunsQuery, agent_ids: set[str]) -> bool:
    checks = (
        not agent_ids or run.agent_id in agent_ids,
        not query.statuses or run.status.value in query.statuses,
        not query.active or run.status in ACTIVE_STATUSES,
        query.background is not False,
        query.stop_reason is None or run.stop_reason is query.stop_reason,
        query.conversation_id is None or query.conversation_id in {run.conversation_id, _named_default(run)},
    )
    return all(checks)
