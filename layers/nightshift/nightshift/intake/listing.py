"""Lists that an index keeps in order: cursors both ways, filters, a limit (letta_api_spec §5.0).

For the order asked for, `after` gives what follows the named thing and `before` what precedes it, nearest first; the
answer is always in that order, and empty at the end alone, which is how the SDK's automatic paging knows.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from nightshift.domain.errors import InvalidRequestError, NotFoundError
from nightshift.intake.wire.base import PageQuery
from nightshift.storage.dynamo import Item, Page

INDEX_PAGE = 100
"""Entries read from an index at a time; what one BatchGetItem can load."""

MAX_PAGE_BYTES = 4 * 1024 * 1024
"""JSON after which a page ends before its limit: Lambda hands on 6 MB, in which quotes and line breaks count double."""


@dataclass(frozen=True, slots=True)
class Listing[Thing]:
    """One list.

    Attributes:
        page: reads index entries (forward, limit, start key).
        load: turns entries into things, in their order.
        is_wanted: the filters.
        show: what the API shows of a thing, for its size.
        complete: adds to the things of a page what is read for these alone.
        start_of: the index key of the thing that a cursor names.
    """

    page: Callable[[bool, int, Item | None], Page]
    load: Callable[[Sequence[Item]], list[Thing]]
    is_wanted: Callable[[Thing], bool]
    show: Callable[[Thing], Any]
    start_of: Callable[[str], Item]
    complete: Callable[[list[Thing]], list[Thing]] = lambda things: things


def direction(query: PageQuery) -> tuple[bool, bool]:
    """Return whether to read forward, and whether what is read must be turned round: nearest to `before` first."""
    is_backwards = query.before is not None
    return (query.order == "asc") is not is_backwards, is_backwards


def list_indexed[Thing](listing: Listing[Thing], query: PageQuery) -> list[Thing]:
    """Return the page that the query asks for."""
    _refuse_two_cursors(query)
    forward, is_backwards = direction(query)
    cursor = query.before or query.after
    start = listing.start_of(cursor) if cursor is not None else None
    found = _collect(listing, forward, start, query.limit)
    return found[::-1] if is_backwards else found


def _refuse_two_cursors(query: PageQuery) -> None:
    if query.after is not None and query.before is not None:
        raise InvalidRequestError("a page begins after or ends before a thing; found both cursors")


def _collect[Thing](listing: Listing[Thing], forward: bool, start: Item | None, limit: int) -> list[Thing]:
    found: list[Thing] = []
    while True:
        page = listing.page(forward, INDEX_PAGE, start)
        found += [thing for thing in listing.load(page.items) if listing.is_wanted(thing)]
        if len(found) >= limit or page.next_key is None:
            return take_page(listing.complete(found[:limit]), limit, listing.show)
        start = page.next_key


def take_page[Thing](things: Iterable[Thing], limit: int, show: Callable[[Thing], Any]) -> list[Thing]:
    """Return the first `limit` things, fewer if what is shown of them would not fit into an answer; at least one."""
    taken: list[Thing] = []
    room = MAX_PAGE_BYTES
    for thing in things:
        room -= len(json.dumps(show(thing), ensure_ascii=False).encode())
        if taken and room < 0:
            break
        taken.append(thing)
        if len(taken) == limit:
            break
    return taken


def page_of[Thing](
    things: Sequence[Thing], query: PageQuery, name_of: Callable[[Thing], str], show: Callable[[Thing], Any]
) -> list[Thing]:
    """Return the page that the query asks for of a list that is at hand as a whole, in ascending order.

    Raises:
        NotFoundError: no thing of the list has the cursor's name.
    """
    _refuse_two_cursors(query)
    ordered = list(things) if query.order == "asc" else list(reversed(things))
    cursor = query.after or query.before
    if cursor is None:
        return take_page(ordered, query.limit, show)
    places = [place for place, thing in enumerate(ordered) if name_of(thing) == cursor]
    if not places:
        raise NotFoundError(f"Nothing in this list has the name of the cursor: {cursor}")
    if query.after is not None:
        return take_page(ordered[places[0] + 1 :], query.limit, show)
    return take_page(reversed(ordered[: places[0]]), query.limit, show)[::-1]
