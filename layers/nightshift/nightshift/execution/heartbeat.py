"""Keeps a conversation's lease alive while the model thinks (a lease is short, a model call may be long)."""

import threading
from contextvars import copy_context
from datetime import timedelta
from types import TracebackType
from typing import Self

from nightshift.clock import Clock
from nightshift.domain.conversation import Conversation, Lease
from nightshift.domain.errors import LeaseLostError, TransientError
from nightshift.storage.conversations import Conversations
from nightshift.telemetry import logger, measured


class Heartbeat:
    """Renews the lease three times in its life, from a thread of its own, until the block is left.

    A heartbeat that fails is repeated with the next; one that finds the lease lost ends. Either way the fencing token
    protects the data: the heartbeat only makes losing rare and noticed early.

    A process that was paused wakes up in the middle of its work, this thread with it. `check` therefore looks at the
    clock: past the lease's end it asks the table before anybody calls a model or a tool in this runner's name.
    """

    def __init__(self, conversations: Conversations, lease: Lease, clock: Clock, duration: timedelta) -> None:
        self._conversations = conversations
        self._lease = lease
        self._clock = clock
        self._duration = duration
        self._stop = threading.Event()
        # The thread logs with the keys of the one that works.
        self._thread = threading.Thread(target=copy_context().run, args=(self._beat_until_stopped,), daemon=True)
        self._is_lost = False
        self._ends_at = clock.now() + duration
        self._newest: Conversation | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def check(self) -> None:
        """Do nothing while the lease is held; to be called before each call of a model or a tool.

        Raises:
            LeaseLostError: a heartbeat found another runner.
        """
        if not self._is_lost and self._clock.now() >= self._ends_at:
            self._beat()
        if self._is_lost:
            raise LeaseLostError(f"conversation {self._lease.conversation_id} was claimed by another runner")

    @property
    def saw_deletion(self) -> bool:
        """Tell whether the last heartbeat found that the agent is being deleted."""
        return self._newest is not None and self._newest.is_deleted

    def _beat_until_stopped(self) -> None:
        while not self._is_lost and not self._stop.wait(self._duration.total_seconds() / 3):
            self._beat()

    def _beat(self) -> None:
        now = self._clock.now()
        try:
            self._newest = self._conversations.renew(self._lease, now, self._duration)
            self._ends_at = now + self._duration
        except LeaseLostError:
            self._is_lost = True
            logger.warning("heartbeat found the lease lost", fencing_token=self._lease.fencing_token)
        except TransientError as error:
            logger.warning("heartbeat failed", reason=str(error), **measured({"ServiceFailures": 1}))
