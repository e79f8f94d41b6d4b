"""What of a conversation's log is seen: its system message, and what was said since the last reset."""

from collections.abc import Iterator
from itertools import chain

from nightshift.domain.conversation import Conversation
from nightshift.domain.message import Message, Role
from nightshift.storage.database import Database

HIGHEST = 2**48 - 1
"""Above every sequence."""


def read_history(
    database: Database, lane: Conversation, *, first: int = 0, last: int = HIGHEST, newest_first: bool = False
) -> Iterator[Message]:
    """Yield the messages at sequences `first` to `last` that are still seen; pages are read as they are consumed."""
    start = max(first, lane.history_starts_at)
    said = database.messages.read(lane.tenant, lane.id, first=start, last=last, newest_first=newest_first)
    if first > 0:
        return said
    system = database.messages.read(lane.tenant, lane.id, first=0, last=min(0, last))
    return chain(said, system) if newest_first else chain(system, said)


def read_context(database: Database, lane: Conversation, *, last: int, limit: int) -> list[Message]:
    """Return what is in context up to `last`, at most `limit` messages, oldest first, that a model takes as a whole.

    That is the summary of the newest compaction, unless `last` lies before it, and the newest messages. Returns without
    their calls at the beginning and calls without their returns at the end are left out.
    """
    start = lane.context if lane.context and lane.context.summary_sequence <= last else None
    summary = database.messages.get(lane.tenant, lane.id, start.summary_sequence) if start else None
    first = start.first_sequence if start else lane.history_starts_at
    room = limit - 1 if summary else limit
    newest = _newest(database.messages.read(lane.tenant, lane.id, first=first, last=last, newest_first=True), room)
    while newest and newest[-1].role is Role.TOOL:
        newest.pop()
    return [*([summary] if summary else []), *newest[::-1]]


def _newest(newest_first: Iterator[Message], limit: int) -> list[Message]:
    newest: list[Message] = []
    for message in newest_first:
        if len(newest) == limit:
            break
        is_unanswered_call = not newest and message.draft.tool_calls
        if message.draft.compaction is None and not is_unanswered_call:
            newest.append(message)
    return newest
