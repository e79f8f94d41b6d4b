"""A Conversation: the lane in which an agent's runs execute one at a time, in the order accepted.

One small item holds the queue of waiting runs, the lease and the fencing token. Accepting, claiming and finishing are
conditional writes to this one item, so that DynamoDB itself puts them in order (promises 3, 4 and 5).
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from nightshift.domain.approval import ApprovalRequest

LEASE_DURATION = timedelta(seconds=60)
"""How long a lease lives without a heartbeat: a crash costs about this, not a queue's visibility timeout."""

HEARTBEAT_INTERVAL = LEASE_DURATION / 3
"""Two heartbeats may be lost before a lease is."""

DOORBELL_GRACE = timedelta(seconds=60)
"""How long a doorbell may take before the sweeper holds it to be lost."""

MAX_WAITING_RUNS = 1_000
"""Runs that may wait in one conversation; 45 KB of ids, well below the 400 KB of an item."""

DUE_SLOT = timedelta(seconds=15)
"""Due times are rounded up to slots, so that consecutive writes within one leave the due-index alone."""


@dataclass(frozen=True, slots=True)
class ContextStart:
    """Where the context of a conversation goes on after its newest compaction.

    Attributes:
        summary_sequence: of the summary, which stands for everything before.
        first_sequence: of the first message that was kept; the summary's own when none was.
    """

    summary_sequence: int
    first_sequence: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """The stored state of one conversation.

    Attributes:
        id: a `conv-` id, or the agent's id for its default conversation.
        waiting: ids of accepted runs that are not terminal yet or not yet taken off, oldest first; the first one is
            the run being executed while the conversation is leased.
        next_sequence: place in the log of the next message to be written.
        lease_holder: who executes it now, None when nobody does.
        fencing_token: raised by every claim; older ones are worthless.
        history_starts_at: place in the log from which messages are shown and used; what is before was reset.
        context: what of the history is used since its newest compaction; None before one, and after a reset.
        approval: what its client was asked for last; None when it never was.
        last_run_at, last_stop_reason: when its newest run ended, and why.
        asleep_until: nobody may claim it before; None unless a provider asked for time.
        due_at: from when on the sweeper rings for it; None when nothing is to do.
    """

    tenant: str
    id: str
    agent_id: str
    waiting: tuple[str, ...]
    next_sequence: int
    lease_holder: str | None = None
    lease_expires_at: datetime | None = None
    fencing_token: int = 0
    is_deleted: bool = False
    history_starts_at: int = 1
    context: ContextStart | None = None
    approval: ApprovalRequest | None = None
    last_run_at: datetime | None = None
    last_stop_reason: str | None = None
    asleep_until: datetime | None = None
    due_at: datetime | None = None

    @property
    def held_messages(self) -> int:
        """Return how many messages are shown and used, the system message not counted."""
        return self.next_sequence - self.history_starts_at

    @property
    def pending_approval(self) -> ApprovalRequest | None:
        """Return what its client is asked for at present."""
        return self.approval if self.approval is not None and self.approval.is_open else None


@dataclass(frozen=True, slots=True)
class Lease:
    """The exclusive right to execute a conversation's runs, until it expires or somebody raises the token."""

    tenant: str
    conversation_id: str
    holder: str
    fencing_token: int


def due_slot_epoch_s(moment: datetime) -> int:
    """Return the due time for the index: `moment` rounded up to a slot, in seconds since 1970."""
    slot = int(DUE_SLOT.total_seconds())
    return math.ceil(moment.timestamp() / slot) * slot
