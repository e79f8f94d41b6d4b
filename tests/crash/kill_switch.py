"""Ends a process at one of its writes: just before it, just after it, or with the answer lost on the way."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
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
        "SendMessage",
        "SendMessageBatch",
        "StartExecution",
        "TransactWriteItems",
        "UpdateItem",
    },
)


class Death(StrEnum):
    BEFORE = "before the write"
    AFTER = "after the write"
    ANSWER_LOST = "the answer is lost"


@dataclass(slots=True)
class KillSwitch:
    """Counts writes, and strikes at one of them.

    Attributes:
        at: 1-based number of the write to strike at, None to count only.
        written: names of the writes so far, in their order.
    """

    at: int | None = None
    death: Death = Death.BEFORE
    written: list[str] | None = None
    has_struck: bool = False

    def __post_init__(self) -> None:
        self.written = []

    def passed(self, operation: str, act: Callable[[], Any]) -> Any:
        """Do what changes something out there, and strike if it is its turn."""
        assert self.written is not None
        self.written.append(operation)
        if len(self.written) != self.at:
            return act()
        self.has_struck = True
        if self.death is Death.BEFORE:
            raise ProcessDiedError(operation)
        act()
        if self.death is Death.AFTER:
            raise ProcessDiedError(operation)
        raise ReadTimeoutError(endpoint_url="https://aws.invalid")

    @contextmanager
    def armed(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
        """Watch every write that any client makes inside the block."""
        assert self.written is not None
        make_api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

        def make_deadly_call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            if operation not in WRITES:
                return make_api_call(client, operation, parameters)
            return self.passed(operation, lambda: make_api_call(client, operation, parameters))

        with monkeypatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", make_deadly_call)
            yield self.written
