"""Runs and their requests: one partition a run.

    pk  tenant#run-…   sk  run            the Run; small, since every checkpoint rewrites it
                           run#delivery   its CallbackDelivery (storage/deliveries.py)
                           request        what was asked, read once when work begins
                           step#00000001  one item a step (storage/steps.py)
                           outputs#00000001  one item a step, where asked for (storage/outputs.py)

A run is changed only by `advance`: compare-and-swap on what its last reader saw. The fencing token is part of the
comparison, so a runner that lost its lease can't write (promise 4), and so is the status, so a terminal one stays
(promises 7 and 8).
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Final

from nightshift.clock import from_iso, to_iso
from nightshift.domain.callback import CallbackDelivery
from nightshift.domain.message import Usage
from nightshift.domain.run import DEFAULT_MAX_STEPS, DisplayConfig, Run, RunKind, Spent
from nightshift.domain.run_request import RunRequest
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.storage.deliveries import Deliveries
from nightshift.storage.dynamo import Dynamo, Item, Page, Put, Update
from nightshift.storage.keys import REQUEST, RUN, scoped, split_scoped
from nightshift.storage.payloads import Payloads
from nightshift.storage.request_json import json_to_request, request_to_json

DELETE_BATCH = 25
"""Items of a run that are read at a time while it is removed."""

_ISO_LENGTH: Final = 27
_COMPARED: Final = ("status", "fencing_token", "last_sequence", "step_count", "starts_without_progress")
USAGE_FIELDS: Final = tuple(field.name for field in fields(Usage))
_MEMORY_FIELDS: Final = ("x86_64_mb_ms", "arm64_mb_ms")
"""Beside `spent`, of which older versions read every name; both may be at work while a release is deployed."""


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
        item = {"pk": scoped(run.tenant, run.id), "sk": REQUEST}
        return Put(self.table, self.payloads.pack("runs", item, request_to_json(request)))

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

    def end(self, before: Run, ended: Run, correlation_id: str) -> list[Update | Put]:
        """Return the writes that end a run together with its callback's delivery, whoever ends it (promise 8)."""
        writes: list[Update | Put] = [self.advance(before, ended)]
        if ended.callback_url:
            delivery = CallbackDelivery.of(ended, correlation_id)
            writes.append(Deliveries(self.dynamo, self.table).create(delivery, delivery.run_completed_at))
        return writes

    def delete(self, run: Run) -> None:
        """Remove a terminal run with all its items; safe to repeat, since the run itself goes last."""
        condition, values = "#pk = :pk", {"pk": scoped(run.tenant, run.id)}
        for item in self.dynamo.query_all(self.table, condition, values, limit=DELETE_BATCH, consistent=True):
            if item["sk"] != RUN:
                self.dynamo.delete_many(self.table, [{"pk": item["pk"], "sk": item["sk"]}])
        self.dynamo.delete_many(self.table, [{"pk": values["pk"], "sk": RUN}])

    def get(self, tenant: str, run_id: str, *, consistent: bool = True) -> Run | None:
        """Read a run."""
        item = self.dynamo.get(self.table, {"pk": scoped(tenant, run_id), "sk": RUN}, consistent=consistent)
        return to_run(item) if item else None

    def get_request(self, run: Run) -> RunRequest:
        """Read what was asked."""
        item = self.dynamo.get(self.table, {"pk": scoped(run.tenant, run.id), "sk": REQUEST})
        return json_to_request(self.payloads.unpack(item) if item else {})

    def list_page(
        self, tenant: str, agent_id: str | None, *, forward: bool, limit: int, start: Item | None = None, day: str = ""
    ) -> Page:
        """Return index entries (`run_id` added) of a tenant's or an agent's runs by time of acceptance.

        `day`, as in `2026-11-25`, leaves those that were accepted on other days out.
        """
        name, value, index = ("tenant_agent", scoped(tenant, agent_id), "by_agent") if agent_id else (
            "tenant", tenant, "by_tenant")  # fmt: skip
        condition, values = f"#{name} = :owner", {"owner": value, "day": day}
        condition += " AND begins_with(#created_order, :day)" if day else ""
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

    def get_many(self, tenant: str, run_ids: Sequence[str], *, consistent: bool = False) -> list[Run]:
        """Read these runs in the given order, without those that don't exist."""
        keys = [{"pk": scoped(tenant, run_id), "sk": RUN} for run_id in run_ids]
        found = {run.id: run for run in map(to_run, self.dynamo.get_many(self.table, keys, consistent=consistent))}
        return [found[run_id] for run_id in run_ids if run_id in found]


def _to_item(run: Run) -> Item:
    """Convert to an item without what its keys already say, so that it stays below the 1 KB of one write unit."""
    created_at, spent = to_iso(run.created_at), asdict(run.spent)
    memory = {name: spent.pop(name) or None for name in _MEMORY_FIELDS}
    item: Item = {
        "pk": scoped(run.tenant, run.id),
        "sk": RUN,
        "tenant": run.tenant,
        "tenant_agent": scoped(run.tenant, run.agent_id),
        "created_order": f"{created_at}#{run.id[4:]}",
        "conversation_id": run.public_conversation_id,
        "kind": run.kind.value if run.kind is not RunKind.MESSAGES else None,
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
        "started_call_ids": list(run.started_call_ids) or None,
        "ttft_ns": run.ttft_ns,
        "body_hash": run.body_hash,
        "has_outputs": run.has_outputs or None,
        "spent": {name: count for name, count in spent.items() if count} or None,
        "nano_dollars": run.nano_dollars or None,
        "unpriced_calls": run.unpriced_calls or None,
        **{name: getattr(run.usage, name) or None for name in USAGE_FIELDS},
        **memory,
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
        kind=RunKind(item.get("kind", RunKind.MESSAGES)),
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
        started_call_ids=tuple(item.get("started_call_ids", ())),
        usage=to_usage(item),
        spent=Spent(**item.get("spent", {}), **{name: item.get(name, 0) for name in _MEMORY_FIELDS}),
        nano_dollars=item.get("nano_dollars", 0),
        unpriced_calls=item.get("unpriced_calls", 0),
        ttft_ns=item.get("ttft_ns"),
        body_hash=item.get("body_hash"),
        has_outputs=item.get("has_outputs", False),
    )


def _optional_time(item: Item, name: str) -> datetime | None:
    return from_iso(item[name]) if name in item else None


def to_usage(item: Item) -> Usage:
    return Usage(**{name: item.get(name, 0) for name in USAGE_FIELDS})


def _display_to_map(display: DisplayConfig) -> Item | None:
    default = DisplayConfig()
    names = [field.name for field in fields(DisplayConfig)]
    changed = {name: getattr(display, name) for name in names if getattr(display, name) != getattr(default, name)}
    types = changed.get("include_return_message_types")
    return (changed | ({"include_return_message_types": list(types)} if types is not None else {})) or None


def _map_to_display(stored: Item) -> DisplayConfig:
    types = stored.get("include_return_message_types")
    return DisplayConfig(**stored | ({"include_return_message_types": tuple(types)} if types is not None else {}))
