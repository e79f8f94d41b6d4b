"""Runs and their steps and requests: one partition a run.

    pk  tenant#run-…   sk  run            the Run; small, since every checkpoint rewrites it
                           run#delivery   its CallbackDelivery (storage/deliveries.py)
                           request        what was asked, read once when work begins
                           step#00000001  one item a step

A run is changed only by `advance`: compare-and-swap on what its last reader saw. The fencing token is part of the
comparison, so a runner that lost its lease can't write (promise 4), and so is the status, so a terminal one stays
(promises 7 and 8).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from nightshift.clock import from_iso, to_iso
from nightshift.domain import ids
from nightshift.domain.message import Usage
from nightshift.domain.run import DEFAULT_MAX_STEPS, DisplayConfig, Run
from nightshift.domain.run_request import RunRequest
from nightshift.domain.run_status import RunStatus
from nightshift.domain.step import Step, StepStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.storage.draft_json import draft_to_json, json_to_draft
from nightshift.storage.dynamo import Dynamo, Item, Page, Put, Update
from nightshift.storage.keys import REQUEST, RUN, STEP_PREFIX, scoped, split_scoped, step_sort_key
from nightshift.storage.payloads import Payloads

STEPS_PAGE = 100
"""Steps that one query reads; the API's default page."""

_ISO_LENGTH: Final = 27
_COMPARED: Final = ("status", "fencing_token", "last_sequence", "step_count", "starts_without_progress")
_USAGE_FIELDS: Final = tuple(field.name for field in fields(Usage))


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs table, without its deliveries."""

    dynamo: Dynamo
    table: str
    payloads: Payloads

    def create(self, run: Run) -> Put:
        """Return the write that makes the run."""
        return Put(self.table, _to_item(run), "attribute_not_exists(#pk)")

    def create_request(self, run: Run, request: RunRequest) -> Put:
        """Return the write that keeps what was asked; a large request goes to the bucket at once."""
        content = self.payloads.pack(run.tenant, _request_to_json(request))
        return Put(self.table, {"pk": scoped(run.tenant, run.id), "sk": REQUEST, **content})

    def advance(self, before: Run, after: Run) -> Update:
        """Return the write that turns `before`, as it was read, into `after`; it fails if anybody wrote meanwhile."""
        old, new = _to_item(before), _to_item(after)
        changed = {name: value for name, value in new.items() if old.get(name) != value}
        removed = [name for name in old if name not in new]
        expression = "SET " + ", ".join(f"#{name} = :{name}" for name in changed)
        expression += " REMOVE " + ", ".join(f"#{name}" for name in removed) if removed else ""
        condition = " AND ".join(
            f"#{name} = :was_{name}" if name in old else f"attribute_not_exists(#{name})" for name in _COMPARED
        )
        values = changed | {f"was_{name}": old[name] for name in _COMPARED if name in old}
        return Update(self.table, {"pk": old["pk"], "sk": RUN}, expression, condition, values)

    def get(self, tenant: str, run_id: str, *, consistent: bool = True) -> Run | None:
        """Read a run."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, run_id), "sk": RUN}, consistent=consistent)
        return to_run(item) if item else None

    def get_request(self, run: Run) -> RunRequest:
        """Read what was asked."""
        item = self.dynamo.get(self.table, {"pk": scoped(run.tenant, run.id), "sk": REQUEST})
        return _json_to_request(self.payloads.unpack(item) if item else {})

    def list_page(
        self, tenant: str, agent_id: str | None, *, forward: bool, limit: int, start: Item | None = None
    ) -> Page:
        """Return index entries (`run_id` added) of a tenant's or an agent's runs by time of acceptance."""
        name, value, index = ("tenant_agent", scoped(tenant, agent_id), "by_agent") if agent_id else (
            "tenant", tenant, "by_tenant")  # fmt: skip
        condition, values = f"#{name} = :owner", {"owner": value}
        page = self.dynamo.query(self.table, condition, values, index=index, forward=forward, limit=limit, start=start)
        items = [item | {"run_id": split_scoped(item["pk"])[1]} for item in page.items]
        return Page(items, page.next_key)

    def index_key(self, run: Run) -> dict[str, Item]:
        """Return the place of a run in the indexes `by_tenant` and `by_agent`, to start a page after it."""
        item = _to_item(run)
        base = {"pk": item["pk"], "sk": RUN, "created_order": item["created_order"]}
        return {
            "by_tenant": base | {"tenant": item["tenant"]},
            "by_agent": base | {"tenant_agent": item["tenant_agent"]},
        }

    def get_many(self, tenant: str, run_ids: Sequence[str]) -> list[Run]:
        """Read these runs in the given order, without those that don't exist."""
        keys = [{"pk": scoped(tenant, run_id), "sk": RUN} for run_id in run_ids]
        found = {run.id: run for run in map(to_run, self.dynamo.get_many(self.table, keys))}
        return [found[run_id] for run_id in run_ids if run_id in found]

    def put_step(self, tenant: str, step: Step) -> Put:
        """Return the write that records a step, once."""
        return Put(self.table, _step_to_item(tenant, step), "attribute_not_exists(#pk)")

    def steps(self, tenant: str, run_id: str, *, first: int, last: int, forward: bool) -> Iterator[Step]:
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


def _to_item(run: Run) -> Item:
    """Convert to an item without what its keys already say, so that it stays below the 1 KB of one write unit."""
    created_at = to_iso(run.created_at)
    item: Item = {
        "pk": scoped(run.tenant, run.id),
        "sk": RUN,
        "tenant": run.tenant,
        "tenant_agent": scoped(run.tenant, run.agent_id),
        "created_order": f"{created_at}#{run.id[4:]}",
        "conversation_id": run.public_conversation_id,
        "status": run.status.value,
        "max_steps": run.max_steps if run.max_steps != DEFAULT_MAX_STEPS else None,
        "display": _display_to_map(run.display),
        "callback_url": run.callback_url,
        "stop_reason": run.stop_reason.value if run.stop_reason else None,
        "error": run.error,
        "started_at": to_iso(run.started_at) if run.started_at else None,
        "completed_at": to_iso(run.completed_at) if run.completed_at else None,
        "fencing_token": run.fencing_token,
        "first_sequence": run.first_sequence,
        "last_sequence": run.last_sequence,
        "step_count": run.step_count,
        "starts_without_progress": run.starts_without_progress,
        "wait_count": run.wait_count or None,
        "ttft_ns": run.ttft_ns,
        **{name: getattr(run.usage, name) or None for name in _USAGE_FIELDS},
    }
    return {name: value for name, value in item.items() if value is not None}


def to_run(item: Item) -> Run:
    """Read a stored run, of this version or an older one."""
    tenant, run_id = split_scoped(item["pk"])
    agent_id = split_scoped(item["tenant_agent"])[1]
    return Run(
        id=run_id,
        tenant=tenant,
        agent_id=agent_id,
        conversation_id=item.get("conversation_id", agent_id),
        status=RunStatus(item["status"]),
        created_at=from_iso(item["created_order"][:_ISO_LENGTH]),
        max_steps=item.get("max_steps", DEFAULT_MAX_STEPS),
        display=_map_to_display(item.get("display", {})),
        callback_url=item.get("callback_url"),
        stop_reason=StopReason(item["stop_reason"]) if "stop_reason" in item else None,
        error=item.get("error"),
        started_at=_optional_time(item, "started_at"),
        completed_at=_optional_time(item, "completed_at"),
        fencing_token=item["fencing_token"],
        first_sequence=item.get("first_sequence"),
        last_sequence=item.get("last_sequence"),
        step_count=item["step_count"],
        starts_without_progress=item["starts_without_progress"],
        wait_count=item.get("wait_count", 0),
        usage=_to_usage(item),
        ttft_ns=item.get("ttft_ns"),
    )


def _optional_time(item: Item, name: str) -> datetime | None:
    return from_iso(item[name]) if name in item else None


def _to_usage(item: Item) -> Usage:
    return Usage(**{name: item.get(name, 0) for name in _USAGE_FIELDS})


def _display_to_map(display: DisplayConfig) -> Item | None:
    default = DisplayConfig()
    names = [field.name for field in fields(DisplayConfig)]
    changed = {name: getattr(display, name) for name in names if getattr(display, name) != getattr(default, name)}
    types = changed.get("include_return_message_types")
    return (changed | ({"include_return_message_types": list(types)} if types is not None else {})) or None


def _map_to_display(stored: Item) -> DisplayConfig:
    types = stored.get("include_return_message_types")
    return DisplayConfig(**stored | ({"include_return_message_types": tuple(types)} if types is not None else {}))


def _request_to_json(request: RunRequest) -> dict[str, Any]:
    stored = {
        "inputs": [draft_to_json(draft) for draft in request.inputs],
        "override_model": request.override_model,
        "override_system": request.override_system,
        "correlation_id": request.correlation_id,
    }
    return {name: value for name, value in stored.items() if value is not None}


def _json_to_request(stored: dict[str, Any]) -> RunRequest:
    inputs = tuple(json_to_draft(draft) for draft in stored.get("inputs", []))
    return RunRequest(**stored | {"inputs": inputs})


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
        "model_ns": step.model_ns,
        "request_id": step.request_id,
        "error_type": step.error_type,
        "error": step.error,
        **{name: getattr(step.usage, name) or None for name in _USAGE_FIELDS},
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
        usage=_to_usage(item),
        stop_reason=StopReason(item["stop_reason"]) if "stop_reason" in item else None,
        model_ns=item["model_ns"],
        request_id=item.get("request_id"),
        error_type=item.get("error_type"),
        error=item.get("error"),
    )
