"""A table's own limit of writes throttles.

AWS: a table on demand with ``OnDemandThroughput.MaxWriteRequestUnits`` refuses writes above it with
ThrottlingException, and a transaction with the reason ThrottlingError.

Stock MiniStack: the limit is kept and shown, and nothing is ever throttled, so that nobody can see what a throttled
table does to the product.

Simpler than AWS: every item written is one unit, a limit counts within whole seconds, and nothing is saved up.
"""

import functools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import dynamodb

from emulator.expectations import expect_parameters, expect_source

WRITES = ("_put_item", "_update_item", "_delete_item")
MESSAGE = "Throughput exceeds the maximum OnDemandThroughput configured on table or index"

type Handler = Callable[[dict[str, Any]], Any]


def apply() -> None:
    """Count the writes of each second before they are done."""
    expect_source(dynamodb._update_table, '"MaxWriteRequestUnits"')
    limiter = _Limiter()
    for name in (*WRITES, "_transact_write_items"):
        handler: Handler = getattr(dynamodb, name)
        expect_parameters(handler, "data")
        setattr(dynamodb, name, _limited(handler, limiter))


def _limited(handler: Handler, limiter: "_Limiter") -> Handler:
    @functools.wraps(handler)
    def handle(data: dict[str, Any]) -> Any:
        tables = _tables_of(data)
        if limiter.takes(Counter(tables)):
            return handler(data)
        return _refuse_transaction(tables) if "TransactItems" in data else _refuse()

    return handle


def _tables_of(data: dict[str, Any]) -> list[str]:
    if "TransactItems" not in data:
        return [data.get("TableName", "")]
    return [action.get("TableName", "") for item in data["TransactItems"] for action in item.values()]


def _refuse() -> Any:
    return error_response_json("ThrottlingException", MESSAGE, 400)


def _refuse_transaction(tables: list[str]) -> Any:
    codes = ["ThrottlingError" if _limit_of(table) else "None" for table in tables]
    reasons = [{"Code": code, "Message": MESSAGE} if code != "None" else {"Code": code} for code in codes]
    body = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": f"Transaction cancelled, refer to the cancellation reasons [{', '.join(codes)}]",
        "CancellationReasons": reasons,
    }
    return 400, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(body).encode()


def _limit_of(table: str) -> int | None:
    """The most units a second that the table was given, None for no limit."""
    found = dynamodb._tables.get(table.rpartition("/")[2])
    limit = int(found.get("OnDemandThroughput", {}).get("MaxWriteRequestUnits", -1)) if found else -1
    return limit if limit > 0 else None


class _Limiter:
    """Units written in the present second, by table."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._second = 0
        self._used: Counter[str] = Counter()

    def takes(self, units: Counter[str]) -> bool:
        """Count these units if every table may take its share of them now."""
        limits = {table: limit for table in units if (limit := _limit_of(table)) is not None}
        if not limits:
            return True
        with self._lock:
            if (second := int(time.time())) != self._second:
                self._second, self._used = second, Counter()
            if any(self._used[table] + units[table] > limit for table, limit in limits.items()):
                return False
            self._used.update({table: units[table] for table in limits})
            return True
