"""Removes runs that nobody needs any more; what was said in them stays in its conversation."""

from dataclasses import dataclass

from nightshift.domain.errors import ConflictError
from nightshift.intake.query import Queries
from nightshift.storage.database import Database
from nightshift.telemetry import logger


@dataclass(frozen=True, slots=True)
class RunRemoval:
    """Deletes runs on their clients' wish."""

    database: Database

    def delete(self, tenant: str, run_id: str) -> None:
        """Remove a terminal run with its steps, its request and its callback's delivery.

        Raises:
            InvalidRequestError: the id is malformed.
            NotFoundError: this tenant has none of this id.
            ConflictError: it is active, or ended and still to be taken off its conversation's queue.
        """
        run = Queries(self.database).require_run(tenant, run_id)
        if not run.status.is_terminal:
            raise ConflictError(f"CONFLICT: run {run_id} is {run.status.value}; cancel it or wait until it has ended")
        lane = self.database.conversations.get(tenant, run.conversation_id)
        if lane is not None and run_id in lane.waiting:
            raise ConflictError(f"CONFLICT: run {run_id} is being taken off its queue; delete it in a minute")
        self.database.runs.delete(run)
        logger.info("run deleted", run_id=run_id, agent_id=run.agent_id)
