"""What of a tenant is to be done: its conversations in the due-index, and the runs that wait in them."""

from collections.abc import Iterator
from itertools import batched

from nightshift.domain.run import Run
from nightshift.storage.database import Database
from nightshift.storage.dynamo import BATCH_GET_LIMIT
from nightshift.storage.keys import DUE_SHARD, split_scoped


def due_conversations(database: Database, tenant: str) -> Iterator[str]:
    """Yield the ids of the tenant's conversations in which a run waits or works; the index lags by moments."""
    table = database.conversations.table
    entries = database.dynamo.query_all(table, "#due_shard = :shard", {"shard": DUE_SHARD}, index="by_due")
    for owner, conversation_id in (split_scoped(entry["pk"]) for entry in entries):
        if owner == tenant:
            yield conversation_id


def active_runs(database: Database, tenant: str) -> Iterator[Run]:
    """Yield the runs that are not terminal, of a conversation newest first, which is the order to cancel them in."""
    for ids in batched(due_conversations(database, tenant), BATCH_GET_LIMIT, strict=False):
        for lane in database.conversations.get_many(tenant, ids):
            runs = database.runs.get_many(tenant, list(reversed(lane.waiting)), consistent=True)
            yield from (run for run in runs if not run.status.is_terminal)
