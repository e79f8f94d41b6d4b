"""What a transaction will be charged, for the two that nobody can measure and note: a run's first and its last.

The rules are those of the DynamoDB Developer Guide: two units for each started KB in a transaction, and one for each
entry that an index gains or loses. Items that are updated are below 1 KB by design (docs/data-model.md), as are the
entries of indexes.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from nightshift.storage.dynamo import Check, Put, Update, Write, to_attributes

_UNIT_BYTES: Final = 1024
_UNITS_IN_TRANSACTION: Final = 2
_INDEX_KEYS: Final = (
    {"due_shard", "due_at"},
    {"tenant", "created_order"},
    {"tenant_agent", "created_order"},
    {"listing", "created_order"},
)


def estimate_write_units(writes: Iterable[Write | Check]) -> int:
    """Return what DynamoDB will charge for these writes in one transaction that succeeds."""
    return sum(_units(write) for write in writes)


def _units(write: Write | Check) -> int:
    match write:
        case Put(item=item):
            units = math.ceil(_size_bytes(to_attributes(item)) / _UNIT_BYTES) * _UNITS_IN_TRANSACTION
            return units + sum(key <= item.keys() for key in _INDEX_KEYS)
        case Update(expression=expression):
            return _UNITS_IN_TRANSACTION + ("#due_at" in expression)
        case _:
            return _UNITS_IN_TRANSACTION


def _size_bytes(attributes: Mapping[str, Any]) -> int:
    return sum(len(name.encode()) + _value_bytes(*typed.popitem()) for name, typed in attributes.items())


def _value_bytes(kind: str, value: Any) -> int:
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return 1 + math.ceil(len(value.strip("-")) / 2)
        case "L":
            return 3 + sum(1 + _value_bytes(*typed.popitem()) for typed in value)
        case "M":
            return 3 + len(value) + _size_bytes(value)
        case _:
            return 1
