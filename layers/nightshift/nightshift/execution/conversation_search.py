"""The base tool that finds what was said before in the agent's conversations, also what is out of view (§3.4).

It looks through the newest messages by their words; what tools returned and what earlier searches found is left out.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice
from typing import Any, Final

from nightshift.domain.conversation import Conversation
from nightshift.domain.message import Message, Role
from nightshift.domain.search_terms import Period, score
from nightshift.domain.time_zone import zone_of
from nightshift.execution.run_state import RunState
from nightshift.storage.database import Database

NAME: Final = "conversation_search"

MAX_SEARCHED_MESSAGES: Final = 1_000
"""Newest messages of all conversations together that a search looks at."""

MAX_SEARCHED_CONVERSATIONS: Final = 20
"""Newest conversations that are searched beside the run's own and the default one; each costs a query."""

DEFAULT_RESULTS: Final = 10
MAX_RESULTS: Final = 100

MAX_SHOWN_CHARS: Final = 2_000
"""Of each message that is found."""

_SEARCHED: Final = frozenset({Role.USER, Role.ASSISTANT})


def search_conversation(database: Database, state: RunState, arguments: dict[str, Any], now: datetime) -> str:
    """Return what was found, best first where words are given, else the newest first.

    Raises:
        ArgumentsError: a date can't be read.
    """
    zone_name = state.require_agent().timezone
    period = Period.read(arguments.get("start_date"), arguments.get("end_date"), zone_name)
    roles = set(arguments.get("roles") or ("user", "assistant"))
    query = arguments.get("query") or ""
    found = [
        (score(query, message.draft.text) if query.strip() else 1.0, message)
        for message in _newest(database, state)
        if message.role.value in roles and period.holds(message.created_at)
    ]
    best = sorted((one for one in found if one[0] > 0), key=lambda one: -one[0])
    limit = min(MAX_RESULTS, max(1, arguments.get("limit") or DEFAULT_RESULTS))
    return "\n".join(_show([message for _, message in best[:limit]], now, zone_name)) or "No results."


def _newest(database: Database, state: RunState) -> Iterator[Message]:
    """Yield what was said before this run's own question, newest first; what a fork copied, once."""
    logs = [_log(database, state.conversation, state.run.first_sequence or state.next_sequence)]
    logs += [_log(database, other, other.next_sequence) for other in _others(database, state.conversation)]
    shown = set[tuple[datetime, Role]]()
    for message in islice(merge(*logs, key=lambda one: one.created_at, reverse=True), MAX_SEARCHED_MESSAGES):
        is_said = message.role in _SEARCHED and not message.draft.is_hidden and message.draft.compaction is None
        is_search = any(call.name == NAME for call in message.draft.tool_calls)
        moment = (message.created_at, message.role)
        if is_said and not is_search and message.draft.text.strip() and moment not in shown:
            shown.add(moment)
            yield message


def _log(database: Database, conversation: Conversation, end: int) -> Iterator[Message]:
    """Yield the messages before sequence `end` that were not reset, newest first."""
    first, tenant = conversation.history_starts_at, conversation.tenant
    return database.messages.read(tenant, conversation.id, first=first, last=end - 1, newest_first=True)


def _others(database: Database, own: Conversation) -> list[Conversation]:
    """Return the agent's default conversation and its newest ones, without this one."""
    newest = database.descriptions.list_page(
        own.tenant, own.agent_id, forward=False, limit=MAX_SEARCHED_CONVERSATIONS + 1
    )
    listed = [entry["conversation_id"] for entry in newest.items if entry["conversation_id"] != own.id]
    default = [own.agent_id] if own.agent_id != own.id else []
    found = database.conversations.get_many(own.tenant, [*default, *listed[:MAX_SEARCHED_CONVERSATIONS]])
    return [conversation for conversation in found if not conversation.is_deleted]


def _show(messages: Iterable[Message], now: datetime, zone_name: str) -> Iterator[str]:
    zone = zone_of(zone_name)
    for message in messages:
        at = message.created_at.astimezone(zone).isoformat(timespec="seconds")
        text = message.draft.text[:MAX_SHOWN_CHARS]
        yield f"[{at}, {_age(now - message.created_at)}] {message.role.value}: {text}"


def _age(elapsed: timedelta) -> str:
    seconds = max(0, int(elapsed.total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = seconds // length
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
