"""DynamoDB in the product's terms: plain Python values in, plain values out, errors translated once.

Expressions are written as DynamoDB wants them; every `#name` stands for the attribute of that name and every `:value`
for the keyword of that name, so that reserved words need no thought.

A write that meets somebody else's transaction on the same item is refused by DynamoDB with a conflict and changes
nothing; it is repeated here with jitter, since which of the two comes first never matters. So is what a busy service
leaves over of a batch.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from nightshift.domain.errors import ConditionFailedError, TransientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

type Item = dict[str, Any]

CONFLICT_PATIENCE_SECONDS = 12
"""How long conflicting writes are repeated; twenty accepts at once on one conversation settle within a second."""

BATCH_GET_LIMIT = 100
"""Keys that one BatchGetItem may name (DynamoDB API reference)."""

_NAME = re.compile(r"#(\w+)")
_VALUE = re.compile(r":(\w+)")
_serializer = TypeSerializer()
_deserializer = TypeDeserializer()
_CONFLICT_CODES = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_CONFLICT_ERRORS = frozenset({"TransactionConflictException", "TransactionInProgressException"})


_READS = frozenset({"get_item", "batch_get_item", "query"})

type UnitCounter = Callable[[bool, float], None]
"""Takes whether a call was a read, and the capacity units that DynamoDB says it charged."""

_counter: ContextVar[UnitCounter | None] = ContextVar("counter", default=None)


@contextmanager
def counting_units(counter: UnitCounter) -> Iterator[None]:
    """Count what calls in this block are charged, and in threads that are started with a copy of its context.

    A call that DynamoDB refuses is charged too, but it does not tell.
    """
    token = _counter.set(counter)
    try:
        yield
    finally:
        _counter.reset(token)


class _ConflictError(TransientError):
    """Another transaction touches the item right now; repeat."""


@dataclass(frozen=True, slots=True)
class Put:
    """Write a whole item; `condition`, with its `values`, guards what may be there before."""

    table: str
    item: Item
    condition: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Update:
    """Change an item, which is made where there is none; `values` are the `:names` of both expressions."""

    table: str
    key: Item
    expression: str
    condition: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove an item under a condition."""

    table: str
    key: Item
    condition: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """Change nothing, yet let the transaction fail unless this holds; for transactions only."""

    table: str
    key: Item
    condition: str
    values: Mapping[str, Any]


type Write = Put | Update | Delete


@dataclass(frozen=True, slots=True)
class Page:
    """Items of one query and the key to go on from, None at the end."""

    items: list[Item]
    next_key: Item | None


def to_attributes(item: Mapping[str, Any]) -> dict[str, Any]:
    """Convert plain values to DynamoDB's typed ones, leaving out what is None."""
    return {name: _serializer.serialize(value) for name, value in item.items() if value is not None}


def to_item(attributes: Mapping[str, Any]) -> Item:
    """Convert DynamoDB's typed values to plain ones; every number becomes an int, since only ints are stored."""
    return {name: _plain(_deserializer.deserialize(value)) for name, value in attributes.items()}


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value)
        case list():
            return [_plain(element) for element in value]
        case dict():
            return {key: _plain(element) for key, element in value.items()}
        case _:
            return value


class Dynamo:
    """A thin gateway to the service; holds no state beside the client."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client

    def get(self, table: str, key: Item, *, consistent: bool = True) -> Item | None:
        """Read one item, None when there is none."""
        with _translated("read"):
            answer = self._call("get_item", TableName=table, Key=to_attributes(key), ConsistentRead=consistent)
        return to_item(answer["Item"]) if "Item" in answer else None

    def get_many(self, table: str, keys: Sequence[Item], *, consistent: bool = False) -> list[Item]:
        """Read the items of these keys, in no order, without those that don't exist."""
        found: list[Item] = []

        def read(pending: Any) -> Any:
            with _translated("read"):
                answer = self._call("batch_get_item", RequestItems=pending)
            found.extend(to_item(attributes) for attributes in answer["Responses"].get(table, []))
            return answer.get("UnprocessedKeys")

        for start in range(0, len(keys), BATCH_GET_LIMIT):
            batch = [to_attributes(key) for key in keys[start : start + BATCH_GET_LIMIT]]
            _until_processed({table: {"Keys": batch, "ConsistentRead": consistent}}, read)
        return found

    def query(  # noqa: PLR0913 -- the service's own parameters, each by keyword
        self,
        table: str,
        condition: str,
        values: Mapping[str, Any],
        *,
        index: str | None = None,
        forward: bool = True,
        limit: int | None = None,
        start: Item | None = None,
        consistent: bool = False,
    ) -> Page:
        """Read one page of at most `limit` items (or 1 MB) that match the key condition."""
        arguments: dict[str, Any] = _expression_arguments({"KeyConditionExpression": condition}, values)
        arguments |= {"TableName": table, "ScanIndexForward": forward, "ConsistentRead": consistent}
        optional = {"IndexName": index, "Limit": limit, "ExclusiveStartKey": to_attributes(start) if start else None}
        arguments |= {name: value for name, value in optional.items() if value is not None}
        with _translated("query"):
            answer = self._call("query", **arguments)
        last = answer.get("LastEvaluatedKey")
        return Page([to_item(attributes) for attributes in answer["Items"]], to_item(last) if last else None)

    def query_all(self, table: str, condition: str, values: Mapping[str, Any], **options: Any) -> Iterator[Item]:
        """Yield every item that matches, page by page as they are asked for."""
        start: Item | None = None
        while True:
            page = self.query(table, condition, values, start=start, **options)
            yield from page.items
            if page.next_key is None:
                return
            start = page.next_key

    def write(self, write: Write) -> Item:
        """Do one write and return the item as it is afterwards (empty after a put or a delete).

        Raises:
            ConditionFailedError: the condition did not hold; carries the item that was found.
        """

        def act() -> Item:
            with _translated("write"):
                return self._write_once(write)

        return _until_free(act)

    def _write_once(self, write: Write) -> Item:
        arguments = _write_arguments(write)
        match write:
            case Put():
                self._call("put_item", **arguments)
                return {}
            case Delete():
                self._call("delete_item", **arguments)
                return {}
            case Update():
                return to_item(self._call("update_item", **arguments, ReturnValues="ALL_NEW")["Attributes"])

    def transact(self, writes: Sequence[Write | Check]) -> None:
        """Do all writes or none. boto3 adds a request token, so a repeat after a lost answer is harmless.

        Raises:
            ConditionFailedError: a condition did not hold; carries the item found and its place among `writes`.
        """
        items: Any = [{_item_name(write): _write_arguments(write)} for write in writes]

        def act() -> None:
            with _translated("transaction"):
                self._call("transact_write_items", TransactItems=items)

        _until_free(act)

    def delete_many(self, table: str, keys: Sequence[Item]) -> None:
        """Remove up to 25 items without a condition."""

        def remove(pending: Any) -> Any:
            with _translated("write"):
                return self._call("batch_write_item", RequestItems=pending).get("UnprocessedItems")

        if keys:
            _until_processed({table: [{"DeleteRequest": {"Key": to_attributes(key)}} for key in keys]}, remove)

    def _call(self, operation: str, **arguments: Any) -> Any:
        call, counter = getattr(self._client, operation), _counter.get()
        if counter is None:
            return call(**arguments)
        answer = call(**arguments, ReturnConsumedCapacity="TOTAL")
        charged = answer.get("ConsumedCapacity", [])
        charges = [charged] if isinstance(charged, Mapping) else charged
        counter(operation in _READS, sum(charge["CapacityUnits"] for charge in charges))
        return answer


def _item_name(write: Write | Check) -> str:
    return "ConditionCheck" if isinstance(write, Check) else type(write).__name__


def _until_free[Answer](act: Callable[[], Answer]) -> Answer:
    """Return what `act` returns, repeating it with jitter while it meets conflicts.

    Raises:
        TransientError: it still does when patience is over.
    """
    try:
        return act()
    except _ConflictError as error:
        met = [error]
    from tenacity import (  # noqa: PLC0415 -- conflicts are few: a start that meets none is quicker without
        Retrying,
        retry_if_exception_type,
        stop_after_delay,
        wait_random_exponential,
    )

    def again() -> Answer:
        if met:  # the first attempt was made already
            raise met.pop()
        return act()

    return Retrying(
        retry=retry_if_exception_type(_ConflictError),
        wait=wait_random_exponential(multiplier=0.02, max=0.5),
        stop=stop_after_delay(CONFLICT_PATIENCE_SECONDS),
        reraise=True,
    )(again)


def _until_processed(pending: Any, act: Callable[[Any], Any]) -> None:
    """Give `act` what is pending, then what it returns as left over by a busy service, until nothing is."""

    def act_on_rest() -> None:
        nonlocal pending
        pending = act(pending)
        if pending:
            raise _ConflictError("dynamodb left over part of a batch: it is throttled")

    _until_free(act_on_rest)


def _write_arguments(write: Write | Check) -> dict[str, Any]:
    match write:
        case Put():
            arguments: dict[str, Any] = {"TableName": write.table, "Item": to_attributes(write.item)}
            expressions = {}
        case Update():
            arguments = {"TableName": write.table, "Key": to_attributes(write.key)}
            expressions = {"UpdateExpression": write.expression}
        case Delete() | Check():
            arguments = {"TableName": write.table, "Key": to_attributes(write.key)}
            expressions = {}
    if write.condition:
        expressions["ConditionExpression"] = write.condition
    return arguments | _expression_arguments(expressions, write.values)


def _expression_arguments(expressions: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    text = " ".join(expressions.values())
    names = {f"#{name}": name for name in _NAME.findall(text)}
    used = {f":{name}": _serializer.serialize(values[name]) for name in _VALUE.findall(text)}
    arguments: dict[str, Any] = dict(expressions)
    arguments |= {"ExpressionAttributeNames": names} if names else {}
    arguments |= {"ExpressionAttributeValues": used} if used else {}
    if "ConditionExpression" in expressions:
        arguments["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    return arguments


class _translated:  # noqa: N801 -- used as a context manager only
    """Turn what boto3 raises into the product's errors."""

    def __init__(self, action: str) -> None:
        self._action = action

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        match error:
            case ClientError():
                raise _translate(self._action, error) from error
            case BotoCoreError():
                raise TransientError(f"dynamodb {self._action} got no answer: {type(error).__name__}") from error


def _translate(action: str, error: ClientError) -> Exception:
    response: Any = error.response
    code = response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        return ConditionFailedError(f"dynamodb {action}: condition failed", to_item(response.get("Item", {})))
    if code == "TransactionCanceledException":
        return _translate_cancellation(action, response.get("CancellationReasons", []))
    if code in _CONFLICT_ERRORS:
        return _ConflictError(f"dynamodb {action}: {code}")
    if code == "ValidationException":
        return error  # a bug of ours: expressions are written here, not by users
    return TransientError(f"dynamodb {action} failed: {code}")


def _translate_cancellation(action: str, reasons: Sequence[Mapping[str, Any]]) -> Exception:
    for index, reason in enumerate(reasons):
        if reason.get("Code") == "ConditionalCheckFailed":
            return ConditionFailedError(f"dynamodb {action}: condition failed", to_item(reason.get("Item", {})), index)
    codes = sorted({reason.get("Code", "None") for reason in reasons} - {"None"})
    kind = _ConflictError if set(codes) <= _CONFLICT_CODES else TransientError
    return kind(f"dynamodb {action} cancelled: {', '.join(codes)}")
