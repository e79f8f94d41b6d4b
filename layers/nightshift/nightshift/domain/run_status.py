"""The public status of a run and the transitions that are legal (promise 8: terminal once)."""

from enum import StrEnum


class RunStatus(StrEnum):
    CREATED = "created"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """Tell whether nothing but an approval's cancellation can change this status any more."""
        return self not in ACTIVE_STATUSES


ACTIVE_STATUSES = frozenset({RunStatus.CREATED, RunStatus.RUNNING})
