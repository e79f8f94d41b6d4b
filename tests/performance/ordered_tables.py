"""Lets moto answer a query on a table by looking at what is asked for, as DynamoDB does.

moto sorts and compares all items of the table at every query, so that what reads a long history page by page takes the
square of its length in the bench alone.
"""

from collections.abc import Mapping
from inspect import signature
from itertools import islice
from operator import attrgetter
from typing import Any, Final

import pytest
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table
from sortedcontainers import SortedDict  # type: ignore[import-untyped]  # it has no types

_BEYOND_LIMIT: Final = 2
"""Items that moto has to see beside those of a page: the one before it, and the one that says that there is more."""


def look_only_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Narrow queries for a range of sort keys; calls must come one at a time, as `support.aws_tables` lets them."""
    query: Any = Table.query

    def query_narrowed(table: Any, *arguments: Any, **options: Any) -> Any:
        whole, asked = table.items, signature(query).bind(table, *arguments, **options).arguments
        if asked["index_name"] is None and asked["range_comparison"] == "BETWEEN" and asked["hash_key"] in whole:
            table.items = {asked["hash_key"]: _page(table, asked)}
        try:
            return query(table, *arguments, **options)
        finally:
            table.items = whole

    monkeypatch.setattr(Table, "query", query_narrowed)


def _page(table: Any, asked: Mapping[str, Any]) -> dict[DynamoType, Any]:
    """Return the items at which the query's page begins and ends, and those between."""
    items = table.items[asked["hash_key"]]
    if not isinstance(items, SortedDict):
        items = table.items[asked["hash_key"]] = SortedDict(attrgetter("cast_value"), items)
    first, last = (bound.cast_value for bound in asked["range_objs"])
    is_forward, limit = asked["scan_index_forward"], asked["limit"]
    if start := asked["exclusive_start_key"]:
        begin = DynamoType(start[table.range_key_attr]).cast_value
        first, last = (begin, last) if is_forward else (first, begin)
    found = items.irange_key(first, last, reverse=not is_forward)
    return {key: items[key] for key in islice(found, limit and limit + _BEYOND_LIMIT)}
