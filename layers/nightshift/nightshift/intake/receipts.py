"""What runs cost: one run's receipt, and a day's sums by agent.

Everything was counted while the run was executed and is kept with it and its steps (ADR 17), so that a receipt
tells the price of the day of the work. A price that is not known is null with the reason; nobody guesses it. Dollars
are added up as integers or decimals and become JSON numbers when they are shown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from nightshift.clock import Clock, to_iso
from nightshift.domain.aws_prices import MB_MS_PER_GB_SECOND, AwsPrices, aws_prices
from nightshift.domain.callback import CallbackDelivery, DeliveryStatus
from nightshift.domain.display import Json, show_usage
from nightshift.domain.message import Usage
from nightshift.domain.prices import NANO_DOLLARS
from nightshift.domain.run import Run, Spent
from nightshift.domain.step import Step
from nightshift.intake.listing import INDEX_PAGE
from nightshift.intake.query import Queries
from nightshift.storage.database import Database
from nightshift.storage.dynamo import Item

if TYPE_CHECKING:
    from nightshift.intake.wire.receipts import ReceiptsQuery

MAX_RUNS: Final = 10_000
"""Runs that one answer adds up: some 200 reads, two or three seconds."""

_HALVES: Final = 2

NO_PRICE: Final = (
    "no list price is known of models that are not in the price table or answer at an address of one's own"
)
NOT_COUNTED: Final = "an older version executed it and did not count all that AWS charges for"

NOT_INCLUDED: Final = (
    "the functions of API, authorizer, tools, delivery and sweeper, what delivery reads and writes, HTTP API, SQS, S3, "
    "logs, metrics and traces"
)
"""Of AWS; these are not of one run, or nobody is left to write them down."""


@dataclass(frozen=True, slots=True)
class Receipts:
    """Adds up what was counted."""

    database: Database
    clock: Clock

    def of_run(self, tenant: str, run_id: str) -> Json:
        """Return a run's receipt; `is_final` says whether anything may still be added.

        Raises:
            InvalidRequestError: the id is malformed.
            NotFoundError: this tenant has none of this id.
        """
        view = Queries(self.database).run(tenant, run_id)
        run = view.run
        steps = list(self.database.steps.read(tenant, run_id, first=1, last=run.step_count, forward=True))
        return {
            "run_id": run.id,
            "agent_id": run.agent_id,
            "status": run.status.value,
            "is_final": run.status.is_terminal and _is_settled(view.delivery),
            "created_at": to_iso(run.created_at),
            "completed_at": to_iso(run.completed_at) if run.completed_at else None,
            **Sum().plus(run).show(aws_prices(run.created_at.date())),
            "price_table_versions": sorted({step.price_version for step in steps if step.price_version}),
            "models": _show_models(steps),
            "steps": [_show_step(step) for step in steps],
            # Summaries are model calls that belong to no step.
            "compaction_tokens": run.usage.total_tokens - sum(step.usage.total_tokens for step in steps),
            "compaction_dollars": _show_compactions(run, steps),
            "delivery": _show_delivery(view.delivery),
        }

    def of_day(self, tenant: str, query: "ReceiptsQuery") -> Json:
        """Return the sums of the runs that were accepted on a day in UTC, of the tenant and by agent.

        More runs than one answer adds up are told by `next_after`: the sums of the next answer go on after that run.

        Raises:
            NotFoundError: this tenant has no run of the id in `after`.
        """
        day = query.day or self.clock.now().date()
        runs, is_more = self._runs_of(tenant, day.isoformat(), query)
        prices = aws_prices(day)
        total, by_agent = Sum(), dict[str, Sum]()
        for run in runs:
            total.plus(run)
            by_agent.setdefault(run.agent_id, Sum()).plus(run)
        return {
            "day": day.isoformat(),
            **total.show(prices),
            "runs": total.runs,
            "agents": [
                {"agent_id": agent_id, **found.show(prices), "runs": found.runs} for agent_id, found in by_agent.items()
            ],
            "next_after": runs[-1].id if is_more else None,
        }

    def _runs_of(self, tenant: str, day: str, query: "ReceiptsQuery") -> tuple[list[Run], bool]:
        found: list[Run] = []
        start: Item | None = None
        if query.after is not None:
            start = Queries(self.database).index_key(tenant, query.after, query.agent_id)
        while True:
            page = self.database.runs.list_page(
                tenant, query.agent_id, forward=True, limit=INDEX_PAGE, start=start, day=day
            )
            found += self.database.runs.get_many(tenant, [entry["run_id"] for entry in page.items])
            start = page.next_key
            if start is None or len(found) >= MAX_RUNS:
                return found, start is not None


@dataclass(slots=True)
class Sum:
    """What runs took together."""

    runs: int = 0
    unpriced_runs: int = 0
    uncounted_runs: int = 0
    nano_dollars: int = 0
    usage: Usage = field(default_factory=Usage)
    spent: Spent = field(default_factory=Spent)

    def plus(self, run: Run) -> "Sum":
        self.runs += 1
        self.unpriced_runs += not run.is_priced
        self.uncounted_runs += not run.spent.is_counted
        self.nano_dollars += run.nano_dollars
        self.usage += run.usage
        self.spent += run.spent
        return self

    def show(self, prices: AwsPrices) -> Json:
        """Return the sums, with those of AWS at these prices."""
        spent, bill, models = self.spent, prices.bill(self.spent), Decimal(self.nano_dollars) / NANO_DOLLARS
        gb_seconds = (spent.x86_64_mb_ms + spent.arm64_mb_ms) / MB_MS_PER_GB_SECOND
        unknown = [*([NO_PRICE] if self.unpriced_runs else []), *([NOT_COUNTED] if self.uncounted_runs else [])]
        return {
            "tokens": show_usage(self.usage),
            **_show_dollars(models + bill.total, unknown),
            "model_dollars": None if self.unpriced_runs else float(models),
            "aws_dollars": None if self.uncounted_runs else float(bill.total),
            "unpriced_runs": self.unpriced_runs,
            "lambda": {
                "slices": spent.slices,
                "runner_ms": spent.runner_ms,
                "gb_seconds": gb_seconds,
                "dollars": float(bill.compute),
            },
            "dynamodb": {
                "write_units": spent.write_units,
                "read_units": spent.half_read_units / _HALVES,
                "dollars": float(bill.dynamodb),
            },
            "step_functions": {"transitions": spent.transitions, "dollars": float(bill.step_functions)},
            "aws_prices": {"version": prices.version, "region": prices.region, "not_included": NOT_INCLUDED},
        }


def _show_dollars(known: Decimal, unknown: Sequence[str]) -> Json:
    """Show a sum; `unknown` says why something is missing from it."""
    return {
        "dollars": None if unknown else float(known),
        "dollars_reason": "; ".join(unknown) or None,
        "known_dollars": float(known),
    }


def _show_models(steps: Sequence[Step]) -> list[Json]:
    return [
        {"model": handle, "calls": len(calls), "tokens": show_usage(_added(calls)), **_show_cost(calls)}
        for handle in sorted({step.model_handle for step in steps})
        for calls in [[step for step in steps if step.model_handle == handle]]
    ]


def _show_step(step: Step) -> Json:
    return {
        "step_id": step.id,
        "status": step.status.value,
        "model": step.model_handle,
        "model_ms": step.model_ns // 1_000_000,
        "tokens": show_usage(step.usage),
        **_show_cost([step]),
        "price_table_version": step.price_version,
    }


def _show_cost(steps: Iterable[Step]) -> Json:
    costs = [step.nano_dollars for step in steps]
    known = Decimal(sum(cost or 0 for cost in costs)) / NANO_DOLLARS
    return _show_dollars(known, [NO_PRICE] if None in costs else [])


def _show_compactions(run: Run, steps: Sequence[Step]) -> float | None:
    """Return what summaries cost; None where the run has a call without a price, which may be one of theirs."""
    of_steps = sum(step.nano_dollars or 0 for step in steps)
    return float(Decimal(run.nano_dollars - of_steps) / NANO_DOLLARS) if run.is_priced else None


def _added(steps: Iterable[Step]) -> Usage:
    return sum((step.usage for step in steps), Usage())


def _is_settled(delivery: CallbackDelivery | None) -> bool:
    return delivery is None or delivery.status is not DeliveryStatus.PENDING


def _show_delivery(delivery: CallbackDelivery | None) -> Json | None:
    if delivery is None:
        return None
    attempts = delivery.earlier_attempts + delivery.attempt
    return {"id": delivery.id, "status": delivery.status.value, "attempts": attempts}
