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
    """Return the newest messages up to `last`, at most `limit`, oldest first, that a model takes as a whole.

    Returns without their calls at the beginning and calls without their returns at the end are left out.
    """
    newest: list[Message] = []
    for message in database.messages.read(
        lane.tenant, lane.id, first=lane.history_starts_at, last=last, newest_first=True
    ):
        if len(newest) == limit:
            break
        if newest or not message.draft.tool_calls:
            newest.append(message)
    while newest and newest[-1].role is Role.TOOL:
        newest.pop()
    return newest[::-1]
