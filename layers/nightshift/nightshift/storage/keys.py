"""How items are keyed. Every key begins with the tenant, so that tenants can't meet (promise 12)."""

import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from nightshift.domain import ids

RUN: Final = "run"
DELIVERY: Final = "run#delivery"
REQUEST: Final = "request"
STEP_PREFIX: Final = "step#"
OUTPUTS_PREFIX: Final = "outputs#"
IDEMPOTENCY: Final = "idempotency"

DUE_SHARD: Final = "0"
"""Partition of the due-indexes. One carries about 1,000 index writes a second: some 300 runs a second."""


type PayloadTable = Literal["agents", "messages", "runs"]
"""The tables whose items may refer to an object of the payload bucket."""

_OBJECT_KEY: Final = re.compile(rf"(.+)/(agents|messages|runs)/([^/]+)(?:/([^/]+))?/payload-{ids.UUID4_PATTERN}")


def scoped(tenant: str, name: str) -> str:
    """Return the partition key of a tenant's thing."""
    return f"{tenant}#{name}"


def split_scoped(key: str) -> tuple[str, str]:
    """Return tenant and id of a partition key."""
    tenant, _, name = key.partition("#")
    return tenant, name


def step_sort_key(number: int) -> str:
    """Return the sort key of a run's step; steps sort by number."""
    return f"{STEP_PREFIX}{number:08d}"


def outputs_sort_key(number: int) -> str:
    """Return the sort key of what a step's run asked to be told of its tokens."""
    return f"{OUTPUTS_PREFIX}{number:08d}"


def new_object_key(table: PayloadTable, item: Mapping[str, Any]) -> str:
    """Return a name for an object that this item alone may ever refer to; a reference that is gone never comes back."""
    tenant, name = split_scoped(item["pk"])
    sort = item.get("sk", item.get("sequence"))
    return "/".join(str(part) for part in (tenant, table, name, sort, ids.new_id("payload")) if part is not None)


def item_of_object(object_key: str) -> tuple[str, dict[str, Any]] | None:
    """Return the table and the key of the item that may refer to an object; None for names of another form."""
    match = _OBJECT_KEY.fullmatch(object_key)
    if match is None:
        return None
    tenant, table, name, sort = match.groups()
    key: dict[str, Any] = {"pk": scoped(tenant, name)}
    if table == "messages":
        return table, key | {"sequence": int(sort)}
    return table, key | ({"sk": sort} if table == "runs" else {})
