"""Reads the context that a run begins with: the newest summary and what followed, bounded (promise 10)."""

from itertools import chain

from nightshift.domain.conversation import Conversation
from nightshift.domain.message import Message
from nightshift.execution.context_window import estimate_tokens, take_newest
from nightshift.storage.database import Database


def read_context(database: Database, conversation: Conversation, last: int, room_tokens: int) -> list[Message]:
    """Return the messages up to sequence `last` that are in context, oldest first, the summary before all others.

    In the log a summary lies behind the messages that its compaction kept, and older ones may lie among them.
    """
    start = conversation.context
    first = start.first_sequence if start else conversation.history_starts_at
    tenant, conversation_id = conversation.tenant, conversation.id
    summary = database.messages.get(tenant, conversation_id, start.summary_sequence) if start else None
    room_tokens -= estimate_tokens(summary) if summary else 0
    newest_first = database.messages.read(tenant, conversation_id, first=first, last=last, newest_first=True)
    said = take_newest((message for message in newest_first if message.draft.compaction is None), room_tokens)
    return list(chain([summary] if summary else [], said))
