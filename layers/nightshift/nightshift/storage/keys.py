"""How items are keyed. Every key begins with the tenant, so that tenants can't meet (promise 12)."""

from typing import Final

RUN: Final = "run"
DELIVERY: Final = "run#delivery"
REQUEST: Final = "request"
STEP_PREFIX: Final = "step#"
OUTPUTS_PREFIX: Final = "outputs#"
IDEMPOTENCY: Final = "idempotency"

DUE_SHARD: Final = "0"
"""Partition of the due-indexes. One carries about 1,000 index writes a second: some 300 runs a second."""


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
