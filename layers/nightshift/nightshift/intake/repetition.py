"""Tells a request that was sent again from a new one (promise 9; docs/adr/0011-idempotency.md).

Idempotency-Key          same key, same body: the same run; other body: 409    an item of its own, 24 hours
every message an otid    same otids, same body: the same run                   likewise
x-stainless-retry-count  same body within two minutes: the same run            no item: looked for on a retry alone
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from nightshift.clock import to_iso
from nightshift.domain.errors import ConflictError
from nightshift.domain.run import Run
from nightshift.intake.wire.create_run import RunHeaders
from nightshift.storage.database import Database
from nightshift.storage.idempotency import KeyUse

if TYPE_CHECKING:
    from nightshift.intake.wire.run_body import RunBody

RETRY_WINDOW: Final = timedelta(minutes=2)
"""How far back the SDK's own retry is looked for: its three attempts of 60 s each fit, with the pauses between."""

RUN_HASH_CHARS: Final = 16
"""Of a body's digest on the run's item, which every checkpoint rewrites; 64 bits tell apart what two minutes hold."""

MAX_LOOKED_AT: Final = 100
"""Runs that are compared with a retry, of those waiting and of those in the index each: what one read gives."""


def hash_body(body: "RunBody") -> str:
    """Return a digest of what the body means: spelling, order of keys, defaults and unknown fields don't count."""
    return _digest(body.model_dump(mode="json", exclude_defaults=True))


def key_of(headers: RunHeaders, body: "RunBody", body_hash: str) -> str | None:
    """Return the digest that the request may be known again by, None when its client gave it no name."""
    if headers.idempotency_key is not None:
        return _digest(["key", headers.idempotency_key])
    # Some clients send one and the same otid with every message: what is said has to be the same too.
    return _digest(["otids", body.otids, body_hash]) if body.otids else None


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class EarlierRuns:
    """The runs that a request may have become already."""

    database: Database

    def of_key(self, new: Run, use: KeyUse, body_hash: str) -> Run:
        """Return the run that the key was used for, as it is now.

        Raises:
            ConflictError: it was used for another body, or the run was deleted since.
        """
        if use.body_hash != body_hash:
            detail = f"this Idempotency-Key belongs to another request, which became {use.run_id}; use a new key"
            raise ConflictError(detail)
        run = self.database.runs.get(new.tenant, use.run_id)
        if run is None:
            raise ConflictError(f"this request was accepted before as {use.run_id}, which was deleted since")
        return run

    def retried(self, new: Run) -> Run | None:
        """Return the newest run of the same body in the same conversation, accepted at most two minutes ago.

        A run that waits is found surely, since the queue is read consistently; one that left it meanwhile is in the
        index by then.
        """
        return self._newest_like(new, self._waiting(new)) or self._newest_like(new, self._indexed(new))

    def _newest_like(self, new: Run, candidates: Iterable[Run]) -> Run | None:
        alike = (
            run
            for run in candidates
            if run.body_hash == new.body_hash
            and run.conversation_id == new.conversation_id
            and run.created_at >= new.created_at - RETRY_WINDOW
        )
        return max(alike, key=lambda run: run.created_at, default=None)

    def _waiting(self, new: Run) -> list[Run]:
        conversation = self.database.conversations.get(new.tenant, new.conversation_id)
        waiting = conversation.waiting[-MAX_LOOKED_AT:] if conversation else ()
        return self.database.runs.get_many(new.tenant, waiting, consistent=True)

    def _indexed(self, new: Run) -> Iterator[Run]:
        oldest = to_iso(new.created_at - RETRY_WINDOW)
        page = self.database.runs.list_page(new.tenant, new.agent_id, forward=False, limit=MAX_LOOKED_AT)
        recent = [entry["run_id"] for entry in page.items if entry["created_order"] >= oldest]
        yield from self.database.runs.get_many(new.tenant, recent)
