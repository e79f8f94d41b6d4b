"""Removes what is left of a conversation that was deleted, once its last run is off the queue."""

from nightshift.clock import Clock
from nightshift.domain.conversation import Lease
from nightshift.domain.errors import ConditionFailedError
from nightshift.execution.budget import SliceBudget
from nightshift.execution.heartbeat import Heartbeat
from nightshift.storage.database import Database
from nightshift.telemetry import logger


def remove_conversation(
    database: Database, lease: Lease, heartbeat: Heartbeat, budget: SliceBudget, clock: Clock
) -> bool:
    """Remove all messages, then the conversation; False when the slice is used up before that. Safe to repeat.

    An agent's default conversation takes the agent's others along: they are marked deleted, hence due, and removed by
    whoever claims them. The conversation itself goes last, so that a crash leaves it in the due-index and the rest is
    removed by another runner.
    """
    while database.messages.delete_some(lease.tenant, lease.conversation_id):
        heartbeat.check()
        if budget.is_used_up:
            return False
    while lease.conversation_id.startswith("agent-") and database.passages.delete_some(
        lease.tenant, lease.conversation_id
    ):
        heartbeat.check()
    _delete_others(database, lease, clock)
    database.conversations.remove(lease)
    logger.info("conversation removed")
    return True


def _delete_others(database: Database, lease: Lease, clock: Clock) -> None:
    for conversation_id in database.descriptions.ids_of(lease.tenant, lease.conversation_id):
        gone = database.descriptions.delete(lease.tenant, conversation_id)
        marked = database.conversations.mark_deleted(lease.tenant, conversation_id, clock.now())
        try:
            database.transact([gone, marked])
        except ConditionFailedError:
            # The index lags: this one was deleted by its client a moment ago.
            logger.info("conversation is deleted already", deleted_conversation_id=conversation_id)
