"""Strikes at one of the writes of whatever runs: a process dies there, or somebody else gets in between."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ReadTimeoutError

from support.lane import ProcessDiedError

WRITES = frozenset(
    {
        "BatchWriteItem",
        "DeleteItem",
        "DeleteObject",
        "PutItem",
        "PutObject",
        "PutObjectTagging",
        "SendMessage",
        "SendMessageBatch",
        "StartExecution",
        "TransactWriteItems",
        "UpdateItem",
    },
)


class Strike(StrEnum):
    DEATH_BEFORE = "death before the write"
    DEATH_AFTER = "death after the write"
    ANSWER_LOST = "the answer is lost"
    MEDDLING_BEFORE = "meddling before the write"
    MEDDLING_AFTER = "meddling after the write"


DEATHS = (Strike.DEATH_BEFORE, Strike.DEATH_AFTER, Strike.ANSWER_LOST)
MEDDLINGS = (Strike.MEDDLING_BEFORE, Strike.MEDDLING_AFTER)


@dataclass(slots=True)
class KillSwitch:
    """Counts what changes something out there, and strikes once.

    Attributes:
        at: 1-based number of the write to strike at, None to count only.
        meddle: what somebody else does at a meddling.
        written: how many writes there were so far.
    """

    at: int | None = None
    strike: Strike = Strike.DEATH_BEFORE
    meddle: Callable[[], None] = lambda: None
    written: int = 0
    has_struck: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def passed(self, operation: str, act: Callable[[], Any]) -> Any:
        """Do what changes something, and strike if it is its turn."""
        with self._lock:
            self.written += 1
            is_turn = self.written == self.at
            self.has_struck |= is_turn
        return self._struck(operation, act) if is_turn else act()

    def _struck(self, operation: str, act: Callable[[], Any]) -> Any:
        match self.strike:
            case Strike.DEATH_BEFORE:
                raise ProcessDiedError(operation)
            case Strike.DEATH_AFTER:
                act()
                raise ProcessDiedError(operation)
            case Strike.ANSWER_LOST:
                act()
                raise ReadTimeoutError(endpoint_url="https://aws.invalid")
            case Strike.MEDDLING_BEFORE:
                self.meddle()
                return act()
            case Strike.MEDDLING_AFTER:
                answer = act()
                self.meddle()
                return answer

    @contextmanager
    def armed(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Watch every write that any client makes inside the block."""
        make_api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's stubs leave it out

        def make_deadly_call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            if operation not in WRITES:
                return make_api_call(client, operation, parameters)
            return self.passed(operation, lambda: make_api_call(client, operation, parameters))

        with monkeypatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", make_deadly_call)
            yield
