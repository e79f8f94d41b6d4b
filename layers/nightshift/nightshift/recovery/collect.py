"""Removes objects of the payload bucket to which no item refers: of replaced and deleted items, and of lost writes.

    writer     put object ── put item ──► referred to ── item replaced or deleted ──► unreferenced for ever
               put object ── dies, or its condition fails ───────────────────────────► unreferenced for ever
    collector                                             notes it ── an hour or more ── removes it

An object's name says which item alone may refer to it, so the item is asked, and writers keep no list. Two hours close
the races. An object that is younger than one may belong to a write not yet done, so it is not noted. One that was
noted less than another ago may be about to be read by somebody who read its item before. What an item does not refer to
after that it never will, since no name is used twice. Safe to repeat, at the same time too.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from nightshift.clock import Clock
from nightshift.deadline import Deadline
from nightshift.domain.errors import TransientError
from nightshift.storage.payload_objects import PayloadObjects, StoredObject
from nightshift.telemetry import logger, measured

AT_REST: Final = timedelta(hours=1)
"""Twelve times as long as any function of template.yaml may run, hence may hold what it has read or not yet written."""

_THREADS: Final = 16


@dataclass(frozen=True, slots=True)
class Collector:
    """Goes through the whole bucket, in as many passes as it takes."""

    clock: Clock
    payload_objects: PayloadObjects

    def collect(self, seconds: float) -> None:
        """Go on where the last pass left off, to the end of the bucket or for this long.

        Raises:
            TransientError: the bucket can't be listed, or the position not be kept. Nothing is lost by it.
        """
        deadline = Deadline.after(seconds, self.clock)
        start = position = self.payload_objects.read_position()
        removed = 0
        while page := self.payload_objects.page_after(position):
            removed += self._collect_page(page)
            position = page[-1].key
            if not deadline.remaining_seconds():
                break
        else:
            position = ""
        if position != start:
            self.payload_objects.write_position(position)
        logger.info("payloads collected", removed=removed, is_more_left=bool(position))

    def _collect_page(self, page: Sequence[StoredObject]) -> int:
        """Note or remove what is unreferenced, return how much was removed; what fails is left to the next time."""
        now = self.clock.now()
        try:
            at_rest = [one.key for one in page if now - one.written_at >= AT_REST]
            unreferenced = self.payload_objects.unreferenced(at_rest)
            with ThreadPoolExecutor(_THREADS) as threads:
                works = [threads.submit(self._note_or_remove, key, now) for key in unreferenced]
            return sum(work.result() for work in works)
        except TransientError:
            logger.exception("payloads not collected", **measured({"ServiceFailures": 1}))
            return 0

    def _note_or_remove(self, key: str, now: datetime) -> bool:
        noted_at = self.payload_objects.noted_at(key)
        if noted_at is None:
            self.payload_objects.note(key, now)
            return False
        if now - noted_at < AT_REST:
            return False
        self.payload_objects.remove(key)
        return True
