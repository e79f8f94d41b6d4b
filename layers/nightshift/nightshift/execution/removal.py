"""Removes what is left of a conversation whose agent was deleted, once its last run is off the queue."""

from nightshift.domain.conversation import Lease
from nightshift.execution.budget import SliceBudget
from nightshift.execution.heartbeat import Heartbeat
from nightshift.storage.database import Database
from nightshift.telemetry import logger


def remove_conversation(database: Database, lease: Lease, heartbeat: Heartbeat, budget: SliceBudget) -> bool:
    """Remove all messages, then the conversation; False when the slice is used up before that. Safe to repeat.

    The conversation goes last, so that a crash leaves it in the due-index and the rest is removed by another runner.
    """
    while database.messages.delete_some(lease.tenant, lease.conversation_id):
        heartbeat.check()
        if budget.is_used_up:
            return False
    database.conversations.remove(lease)
    logger.info("conversation removed")
    return True
