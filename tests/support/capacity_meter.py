"""Counts the capacity units of every DynamoDB call on the stack in moto, call by call.

The items before and after a write are read from moto's memory, under one lock, so that threads of the product don't
come between. `from support.capacity_meter import meter` gives a test the fixture.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends

from support.aws_tables import REGION, Stack
from support.capacity import Attributes, Consistency, Table, item_size_bytes, read_units, write_units

_FREE: Final = frozenset({"CreateTable", "DescribeTable", "DescribeTimeToLive", "ListTables"})
_WRITES: Final = frozenset({"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"})
_NOT_SIZED: Final = frozenset({"FilterExpression", "ProjectionExpression", "Select", "AttributesToGet"})
"""Parameters with which an answer holds less than was read."""


@dataclass(frozen=True, slots=True)
class Charge:
    """What one table or index charges for one item of a call, or for one query.

    Attributes:
        target: a table, or `table/index`.
        what: the action, with the item's key for a write.
    """

    target: str
    what: str
    write_units: float = 0
    read_units: float = 0


@dataclass(frozen=True, slots=True)
class MeteredCall:
    """One call of the DynamoDB API."""

    operation: str
    charges: tuple[Charge, ...]
    failed: bool = False

    @property
    def write_units(self) -> float:
        return sum(charge.write_units for charge in self.charges)

    @property
    def read_units(self) -> float:
        return sum(charge.read_units for charge in self.charges)


@dataclass(slots=True)
class CapacityMeter:
    """The calls since the fixture was made or `clear` was called."""

    tables: Mapping[str, Table]
    calls: list[MeteredCall] = field(default_factory=list)

    @property
    def write_units(self) -> float:
        return sum(call.write_units for call in self.calls)

    @property
    def read_units(self) -> float:
        return sum(call.read_units for call in self.calls)

    def clear(self) -> None:
        self.calls.clear()

    def report(self) -> str:
        """Return what costs what, a line a charge, for the message of a failed assertion."""
        lines = [f"{self.write_units:g} write units and {self.read_units:g} read units:"]
        for call in self.calls:
            lines.append(f"{call.operation}{' (failed)' if call.failed else ''}")
            lines += [
                f"  {charge.write_units:4g} W {charge.read_units:4g} R  {charge.target}: {charge.what}"
                for charge in call.charges
            ]
        return "\n".join(lines)


@pytest.fixture
def meter(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> CapacityMeter:
    """Meter every DynamoDB call on the stack."""
    declared = stack.template["Resources"].items()
    tables = {
        name: Table.from_properties(resource["Properties"])
        for name, resource in declared
        if resource["Type"] == "AWS::DynamoDB::Table"
    }
    created = CapacityMeter(tables)
    attach(created, monkeypatch)
    return created


def attach(meter: CapacityMeter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the meter see every call from now on; moto must be on."""
    make_api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's stubs leave it out
    one_at_a_time = threading.RLock()

    def make_metered_call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if client.meta.service_model.service_name != "dynamodb" or operation in _FREE:
            return make_api_call(client, operation, parameters)
        with one_at_a_time:
            if operation in _WRITES:
                return _meter_writes(meter, make_api_call, client, operation, parameters)
            answer = make_api_call(client, operation, parameters)
            charges = tuple(_read_charges(operation, parameters, answer))
            meter.calls.append(MeteredCall(operation, charges))
            return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", make_metered_call)


# ------------------------------------------------------------------------------------------------------------- writes


@dataclass(frozen=True, slots=True)
class _Intent:
    """One write that a call asks for; `attempted` is the item of a put."""

    action: str
    table: str
    key: Attributes
    attempted: Attributes | None = None

    def stored_item(self) -> Attributes | None:
        """Return what is stored at this moment."""
        backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION]
        item = backend.get_item(self.table, dict(self.key))
        return item.to_json()["Attributes"] if item else None

    def __str__(self) -> str:
        return f"{self.action} {' '.join(str(next(iter(value.values()))) for value in self.key.values())}"


def _meter_writes(
    meter: CapacityMeter, make_api_call: Any, client: BaseClient, operation: str, parameters: dict[str, Any]
) -> Any:
    intents = list(_intents(meter.tables, operation, parameters))
    before = [intent.stored_item() for intent in intents]
    is_transactional = operation == "TransactWriteItems"

    def charges(after: Iterable[Attributes | None], *, failed: bool) -> Iterator[Charge]:
        for intent, old, new in zip(intents, before, after, strict=True):
            units = write_units(old, new, is_transactional=is_transactional)
            yield Charge(intent.table, str(intent), write_units=units)
            if not failed:
                yield from _index_charges(meter.tables[intent.table], intent, old, new)

    try:
        answer = make_api_call(client, operation, parameters)
    except ClientError:
        attempted = (intent.attempted for intent in intents)
        meter.calls.append(MeteredCall(operation, tuple(charges(attempted, failed=True)), failed=True))
        raise
    stored = (intent.stored_item() for intent in intents)
    meter.calls.append(MeteredCall(operation, tuple(charges(stored, failed=False))))
    return answer


def _index_charges(
    table: Table, intent: _Intent, before: Attributes | None, after: Attributes | None
) -> Iterator[Charge]:
    for index in table.indexes:
        if units := index.write_units(before, after):
            yield Charge(f"{intent.table}/{index.name}", str(intent), write_units=units)


def _intents(tables: Mapping[str, Table], operation: str, parameters: Mapping[str, Any]) -> Iterator[_Intent]:
    match operation:
        case "TransactWriteItems":
            for write in parameters["TransactItems"]:
                ((action, arguments),) = write.items()
                yield _intent(tables, action, arguments["TableName"], arguments)
        case "BatchWriteItem":
            for table, requests in parameters["RequestItems"].items():
                for request in requests:
                    ((action, arguments),) = request.items()
                    yield _intent(tables, action.removesuffix("Request"), table, arguments)
        case _:
            yield _intent(tables, operation.removesuffix("Item"), parameters["TableName"], parameters)


def _intent(tables: Mapping[str, Table], action: str, table: str, arguments: Mapping[str, Any]) -> _Intent:
    item = arguments.get("Item")
    key = arguments["Key"] if item is None else {name: item[name] for name in tables[table].key}
    return _Intent(action, table, key, item)


# -------------------------------------------------------------------------------------------------------------- reads


def _read_charges(operation: str, parameters: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[Charge]:
    if unknown := _NOT_SIZED & parameters.keys():
        raise NotImplementedError(f"{operation} with {', '.join(sorted(unknown))} reads more than it answers")
    match operation:
        case "GetItem":
            units = read_units(item_size_bytes(answer.get("Item", {})), _consistency(parameters))
            yield Charge(parameters["TableName"], "Get", read_units=units)
        case "Query":
            size = sum(map(item_size_bytes, answer["Items"]))
            target = "/".join(filter(None, [parameters["TableName"], parameters.get("IndexName")]))
            what = f"Query, {len(answer['Items'])} items of {size} bytes"
            yield Charge(target, what, read_units=read_units(size, _consistency(parameters)))
        case "BatchGetItem":
            yield from _batch_get_charges(parameters["RequestItems"], answer["Responses"])
        case "TransactGetItems":
            for request, response in zip(parameters["TransactItems"], answer["Responses"], strict=True):
                size = item_size_bytes(response.get("Item", {}))
                units = read_units(size, Consistency.TRANSACTIONAL)
                yield Charge(request["Get"]["TableName"], "Get", read_units=units)
        case _:
            raise NotImplementedError(f"the meter does not know what {operation} costs")


def _batch_get_charges(requested: Mapping[str, Any], found: Mapping[str, list[Attributes]]) -> Iterator[Charge]:
    for table, request in requested.items():
        consistency, items = _consistency(request), found.get(table, [])
        missing = len(request["Keys"]) - len(items)
        for size in [*map(item_size_bytes, items), *([0] * missing)]:
            yield Charge(table, "Get", read_units=read_units(size, consistency))


def _consistency(parameters: Mapping[str, Any]) -> Consistency:
    return Consistency.STRONG if parameters.get("ConsistentRead") else Consistency.EVENTUAL
