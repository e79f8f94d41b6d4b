"""What DynamoDB bills for a call, computed from the items themselves by the documented rules.

moto's own ConsumedCapacity counts a unit a call and leaves indexes, sizes and transactions out. The rules are those of
the Amazon DynamoDB Developer Guide, pages "DynamoDB item sizes and formats", "DynamoDB read and write operations",
"Amazon DynamoDB Transactions: How it works" and "Using Global Secondary Indexes in DynamoDB". What those pages leave
open is settled by what others measured on the service, github.com/nubo-db/dynoxide, pull requests 177 and 188: an
index is charged for the change to what it stores, and the doubling of a transaction does not reach it.

Knows nothing of moto or botocore; `capacity_meter.py` finds the items.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Self

type Attributes = Mapping[str, Mapping[str, Any]]
"""An item as the API carries it: attribute name to `{"S": "text"}`."""

WRITE_UNIT_BYTES: Final = 1024
READ_UNIT_BYTES: Final = 4096
TRANSACTION_FACTOR: Final = 2


class Consistency(Enum):
    """How a read is done; the value is what a read unit is multiplied with."""

    EVENTUAL = 0.5
    STRONG = 1.0
    TRANSACTIONAL = 2.0


def item_size_bytes(item: Attributes) -> int:
    """Return the size that capacity is computed from: names and values, without the overhead of storage."""
    return sum(len(name.encode()) + _value_size_bytes(value) for name, value in item.items())


def _value_size_bytes(typed: Mapping[str, Any]) -> int:
    ((kind, value),) = typed.items()
    match kind:
        case "S":
            return len(value.encode())
        case "N":
            return _number_size_bytes(value)
        case "B":
            return len(value)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value_size_bytes(element) for element in value)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size_bytes(element) for name, element in value.items())
        case _:
            raise NotImplementedError(f"the documentation gives no size for an attribute of type {kind}")


def _number_size_bytes(text: str) -> int:
    """Count a byte and one for every two significant digits; zeros at both ends are trimmed."""
    digits = "".join(map(str, Decimal(text).as_tuple().digits)).strip("0")
    return 1 + math.ceil(len(digits) / 2)


def read_units(size_bytes: int, consistency: Consistency) -> float:
    """Return what reading this much costs; what does not exist costs as much as the smallest item."""
    return _started(size_bytes, READ_UNIT_BYTES) * consistency.value


def write_units(before: Attributes | None, after: Attributes | None, *, is_transactional: bool = False) -> int:
    """Return what the table charges for turning `before` into `after`: the larger of both counts.

    A check of a condition is a write that changes nothing. A failed conditional write is charged for the larger of the
    item found and the item attempted, so give what was attempted as `after`.
    """
    size = max(item_size_bytes(before or {}), item_size_bytes(after or {}))
    return _started(size, WRITE_UNIT_BYTES) * (TRANSACTION_FACTOR if is_transactional else 1)


def _started(size_bytes: int, unit_bytes: int) -> int:
    return max(1, math.ceil(size_bytes / unit_bytes))


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index.

    Attributes:
        key: names of its key attributes; an item without one of them is not in it.
        projected: names of the attributes it holds, None for all.
    """

    name: str
    key: tuple[str, ...]
    projected: frozenset[str] | None

    def write_units(self, before: Attributes | None, after: Attributes | None) -> int:
        """Return what the index charges when an item of its table turns from `before` into `after`."""
        old, new = self._entry(before), self._entry(after)
        if old == new:
            return 0
        if old is None or new is None or self._key_of(old) == self._key_of(new):
            return write_units(old, new)
        return write_units(old, None) + write_units(None, new)  # an entry is removed and another one put

    def _entry(self, item: Attributes | None) -> Attributes | None:
        if item is None or not all(name in item for name in self.key):
            return None
        return {name: value for name, value in item.items() if self.projected is None or name in self.projected}

    def _key_of(self, entry: Attributes) -> list[Mapping[str, Any]]:
        return [entry[name] for name in self.key]


@dataclass(frozen=True, slots=True)
class Table:
    """What of a table's declaration decides on cost."""

    key: tuple[str, ...]
    indexes: tuple[Index, ...] = ()

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> Self:
        """Read the properties of an `AWS::DynamoDB::Table`."""
        key = _key_names(properties)
        indexes = properties.get("GlobalSecondaryIndexes", ())
        return cls(key, tuple(_to_index(declared, key) for declared in indexes))


def _to_index(declared: Mapping[str, Any], table_key: tuple[str, ...]) -> Index:
    key, projection = _key_names(declared), declared["Projection"]
    if projection["ProjectionType"] == "ALL":
        return Index(declared["IndexName"], key, None)
    projected = frozenset({*key, *table_key, *projection.get("NonKeyAttributes", ())})
    return Index(declared["IndexName"], key, projected)


def _key_names(declared: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(element["AttributeName"] for element in declared["KeySchema"])
