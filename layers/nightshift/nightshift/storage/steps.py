"""Steps: one item each beside their run, `sk` = `step#00000001`; a step's id leads to it without an index."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from nightshift.clock import from_iso, to_iso
from nightshift.domain import ids
from nightshift.domain.step import Step, StepStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.storage.dynamo import Dynamo, Item, Put, Update
from nightshift.storage.keys import STEP_PREFIX, scoped, split_scoped, step_sort_key
from nightshift.storage.runs import USAGE_FIELDS, to_usage

STEPS_PAGE = 100
"""Steps that one query reads; the API's default page."""

_EXISTS = "attribute_exists(#pk)"


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps of the runs table."""

    dynamo: Dynamo
    table: str

    def put(self, tenant: str, step: Step) -> Put:
        """Return the write that records a step, once."""
        return Put(self.table, _step_to_item(tenant, step), "attribute_not_exists(#pk)")

    def read(self, tenant: str, run_id: str, *, first: int, last: int, forward: bool) -> Iterator[Step]:
        """Yield the run's steps numbered `first` to `last`, both included; pages are read as they are consumed."""
        if first > last:
            return
        items = self.dynamo.query_all(
            self.table,
            "#pk = :pk AND #sk BETWEEN :first AND :last",
            {"pk": scoped(tenant, run_id), "first": step_sort_key(first), "last": step_sort_key(last)},
            forward=forward,
            limit=STEPS_PAGE,
            consistent=True,
        )
        for item in items:
            yield _to_step(item)

    def get(self, tenant: str, run_id: str, number: int) -> Step | None:
        """Read one step."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, run_id), "sk": step_sort_key(number)})
        return _to_step(item) if item else None

    def set_feedback(
        self, tenant: str, step: Step, feedback: Literal["positive", "negative"] | None, tags: Sequence[str]
    ) -> Step:
        """Keep what a person thinks of the step, instead of what was kept before.

        Raises:
            ConditionFailedError: the step is gone with its run.
        """
        expression = "SET #tags = :tags" + (", #feedback = :feedback" if feedback else " REMOVE #feedback")
        key = {"pk": scoped(tenant, step.run_id), "sk": step_sort_key(step.number)}
        values = {"tags": list(tags), "feedback": feedback}
        return _to_step(self.dynamo.write(Update(self.table, key, expression, _EXISTS, values)))


def _step_to_item(tenant: str, step: Step) -> Item:
    item: Item = {
        "pk": scoped(tenant, step.run_id),
        "sk": step_sort_key(step.number),
        "agent_id": step.agent_id,
        "status": step.status.value,
        "created_at": to_iso(step.created_at),
        "model_handle": step.model_handle,
        "model_endpoint": step.model_endpoint,
        "context_window_tokens": step.context_window_tokens,
        "stop_reason": step.stop_reason.value if step.stop_reason else None,
        "nano_dollars": step.nano_dollars,
        "price_version": step.price_version,
        "model_ns": step.model_ns,
        "request_id": step.request_id,
        "error_type": step.error_type,
        "error": step.error,
        **{name: getattr(step.usage, name) or None for name in USAGE_FIELDS},
    }
    return {name: value for name, value in item.items() if value is not None}


def _to_step(item: Item) -> Step:
    run_id = split_scoped(item["pk"])[1]
    number = int(item["sk"].removeprefix(STEP_PREFIX))
    return Step(
        id=ids.step_id(run_id, number),
        run_id=run_id,
        agent_id=item["agent_id"],
        number=number,
        status=StepStatus(item["status"]),
        created_at=from_iso(item["created_at"]),
        model_handle=item["model_handle"],
        model_endpoint=item.get("model_endpoint"),
        context_window_tokens=item["context_window_tokens"],
        usage=to_usage(item),
        stop_reason=StopReason(item["stop_reason"]) if "stop_reason" in item else None,
        nano_dollars=item.get("nano_dollars"),
        price_version=item.get("price_version"),
        model_ns=item["model_ns"],
        request_id=item.get("request_id"),
        error_type=item.get("error_type"),
        error=item.get("error"),
        feedback=item.get("feedback"),
        tags=tuple(item.get("tags", ())),
    )
