"""Refuses one AWS call after botocore has given up repeating it: throttled, or in conflict with a transaction."""

from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from intake.aws_failures import conflict, throttled, write_conflict

CONFLICTING: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})


@dataclass(slots=True)
class Refusal:
    """Refuses one AWS call.

    Attributes:
        at: 1-based number of that call, 0 for none.
        made: names of the calls so far.
    """

    at: int = 0
    is_conflict: bool = False
    made: list[str] = field(default_factory=list)

    def begin(self, monkeypatch: pytest.MonkeyPatch) -> None:
        make_api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's stubs leave it out

        def make_call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            self.made.append(operation)
            if len(self.made) == self.at:
                raise self._error(operation, parameters)
            return make_api_call(client, operation, parameters)

        monkeypatch.setattr(BaseClient, "_make_api_call", make_call)

    def _error(self, operation: str, parameters: dict[str, Any]) -> ClientError:
        if not self.is_conflict:
            return throttled(operation)
        is_single = operation != "TransactWriteItems"
        return write_conflict(operation) if is_single else conflict(len(parameters["TransactItems"]))
