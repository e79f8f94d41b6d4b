"""Budgets: what was measured against what is allowed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from moto.dynamodb.models.table import Table

from performance.data_path import path
from performance.ordered_tables import look_only_where_asked
from support.aws_tables import stack
from support.capacity_meter import meter
from support.scripted_model.server import ScriptedModel

__all__ = ["meter", "path", "stack"]


@dataclass(frozen=True, slots=True)
class Budget:
    """Checks figures against the budgets of docs/architecture.md and tells them at the end of the test run."""

    tell: Callable[[str], None]

    def check(self, what: str, measured: float, limit: float, unit: str, explain: Callable[[], str] = str) -> None:
        """Report `measured`, and fail if it is above `limit` with what `explain` tells."""
        line = f"{what}: {measured:.6g} of {limit:g} {unit}"
        self.tell(f"budget: {line}")
        assert measured <= limit, f"{line}\n{explain()}"


@pytest.fixture
def budget(tell: Callable[[str], None]) -> Budget:
    return Budget(tell)


@pytest.fixture
def long_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a call of moto cost the same however long its tables are, for tests in which no transaction fails.

    It copies whole tables before each transaction, to undo it, and looks at all items in each query; with long
    histories, or on the clock, that would be all that is measured.
    """
    monkeypatch.setattr(Table, "__deepcopy__", lambda table, _memo: table, raising=False)
    look_only_where_asked(monkeypatch)


@pytest.fixture
def provider() -> Iterator[ScriptedModel]:
    with ScriptedModel() as model:
        yield model
