"""The meter's arithmetic against the worked examples of the Amazon DynamoDB Developer Guide; each names its page."""

import pytest

from support.capacity import Consistency, Index, Table, item_size_bytes, read_units, write_units

KB = 1024


def item_of(size_bytes: int, **more: str) -> dict[str, dict[str, str]]:
    """Build an item of exactly this size, with these further attributes in it."""
    item = {"pk": {"S": "a"}} | {name: {"S": value} for name, value in more.items()}
    filler = size_bytes - item_size_bytes(item) - len("filler")
    return item | {"filler": {"S": "x" * filler}}


@pytest.mark.parametrize(
    ("value", "size_bytes"),
    [
        ({"S": "Bob"}, 3),
        ({"S": "名前"}, 6),
        ({"N": "0"}, 1),
        ({"N": "7"}, 2),
        ({"N": "27"}, 2),
        ({"N": "1000"}, 2),
        ({"N": "1795597200250"}, 7),
        ({"N": "0.0012"}, 2),
        ({"B": b"1234"}, 4),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"L": []}, 3),
        ({"M": {}}, 3),
        ({"L": [{"S": "Bob"}, {"N": "27"}]}, 3 + (1 + 3) + (1 + 2)),
        ({"M": {"name": {"S": "Bob"}}}, 3 + (1 + 4 + 3)),
    ],
)
def test_attribute_costs_its_name_and_its_value(value: dict[str, object], size_bytes: int) -> None:
    """Page "DynamoDB item sizes and formats"."""
    assert item_size_bytes({"attribute": value}) == len("attribute") + size_bytes


def test_set_has_no_documented_size() -> None:
    with pytest.raises(NotImplementedError, match="SS"):
        item_size_bytes({"tags": {"SS": ["a"]}})


@pytest.mark.parametrize(
    ("size_bytes", "consistency", "units"),
    [
        (3_500, Consistency.STRONG, 1),
        (4 * KB, Consistency.STRONG, 1),
        (8 * KB, Consistency.STRONG, 2),
        (8 * KB, Consistency.EVENTUAL, 1),
        (8 * KB, Consistency.TRANSACTIONAL, 4),
        (10 * KB, Consistency.STRONG, 3),
        (0, Consistency.STRONG, 1),
        (0, Consistency.EVENTUAL, 0.5),
    ],
)
def test_read_is_rounded_up_to_four_kilobytes(size_bytes: int, consistency: Consistency, units: float) -> None:
    """Page "DynamoDB read and write operations", read operations; the last two: an item that does not exist."""
    assert read_units(size_bytes, consistency) == units


def test_query_is_rounded_once_and_batch_get_item_by_item() -> None:
    """Page "DynamoDB read and write operations": 1.5 KB and 6.5 KB are 12 KB to BatchGetItem, 40.8 KB a query's 44."""
    assert sum(read_units(size, Consistency.STRONG) for size in (3 * KB // 2, 13 * KB // 2)) == 12 / 4
    assert read_units(int(40.8 * KB), Consistency.STRONG) == 44 / 4


def test_write_is_rounded_up_to_one_kilobyte() -> None:
    """Page "DynamoDB read and write operations", write operations: 500 bytes are 1 KB to PutItem."""
    assert write_units(None, item_of(500)) == 1
    assert write_units(None, item_of(KB)) == 1
    assert write_units(None, item_of(KB + 1)) == 2


def test_write_is_charged_for_the_larger_of_both_items() -> None:
    """Page "DynamoDB read and write operations": PutItem, UpdateItem and DeleteItem."""
    assert write_units(item_of(3 * KB), item_of(100)) == 3
    assert write_units(item_of(100), item_of(3 * KB)) == 3
    assert write_units(item_of(3 * KB), None) == 3
    assert write_units(None, None) == 1


def test_failed_conditional_write_is_charged_for_the_item_attempted() -> None:
    """Page "DynamoDB read and write operations": 300 KB found, 310 KB attempted, 310 units."""
    assert write_units(item_of(300 * KB), item_of(310 * KB)) == 310


def test_transaction_doubles_every_item() -> None:
    """Page "Amazon DynamoDB Transactions: How it works", capacity: three items of 500 bytes are six units."""
    assert sum(write_units(None, item_of(500), is_transactional=True) for _ in range(3)) == 6
    assert sum(read_units(500, Consistency.TRANSACTIONAL) for _ in range(3)) == 6


BY_STATUS = Index("by_status", ("status",), frozenset({"status", "pk", "title"}))


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, item_of(500, status="new"), 1),
        (item_of(500), item_of(500, status="new"), 1),
        (item_of(500, status="new"), item_of(500, status="old"), 2),
        (item_of(500, status="new"), item_of(500), 1),
        (item_of(500, status="new"), None, 1),
        (item_of(500), item_of(600), 0),
        (item_of(500, status="new"), item_of(600, status="new"), 0),
        (item_of(500, status="new", title="a"), item_of(500, status="new", title="b"), 1),
    ],
    ids=[
        "new item in the index",
        "key attribute defined by an update",
        "key attribute changed",
        "key attribute removed",
        "item deleted",
        "never in the index",
        "only what is not projected changed",
        "projected attribute changed",
    ],
)
def test_index_is_charged_for_the_change_to_its_entry(
    before: dict[str, dict[str, str]] | None, after: dict[str, dict[str, str]] | None, units: int
) -> None:
    """Page "Using Global Secondary Indexes in DynamoDB", write capacity units: its list, case by case."""
    assert BY_STATUS.write_units(before, after) == units


def test_index_is_charged_for_the_size_of_its_entries() -> None:
    """A move to another key is two writes, each of its own size; a change in place is one, of the larger size."""
    index = Index("by_status", ("status",), None)
    assert index.write_units(item_of(1_517, status="new"), item_of(1_517, status="old")) == 4
    assert index.write_units(item_of(3 * KB, status="new"), item_of(100, status="new")) == 3


def test_table_is_read_from_its_declaration() -> None:
    table = Table.from_properties(
        {
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
            "GlobalSecondaryIndexes": [
                {
                    "IndexName": "by_due",
                    "KeySchema": [
                        {"AttributeName": "due_shard", "KeyType": "HASH"},
                        {"AttributeName": "due_at", "KeyType": "RANGE"},
                    ],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                },
                {
                    "IndexName": "by_name",
                    "KeySchema": [{"AttributeName": "name", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]},
                },
            ],
        }
    )
    by_due = Index("by_due", ("due_shard", "due_at"), frozenset({"due_shard", "due_at", "pk"}))
    by_name = Index("by_name", ("name",), frozenset({"name", "pk", "title"}))
    assert table == Table(("pk",), (by_due, by_name))
