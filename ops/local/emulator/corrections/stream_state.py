"""A table's stream survives a restart together with the positions that its mappings have read up to.

AWS: a stream keeps its records for 24 hours and a mapping goes on where it was.

Stock MiniStack: with PERSIST_STATE=1 the positions are saved but the records are not. After a restart a mapping that
had read 57 records ignores the first 57 new ones, and records that were waiting at the stop are lost.

Saved are the records that some mapping still has to read.
"""

import copy
import functools
from typing import Any

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb, lambda_svc

from emulator.expectations import expect_source

RECORDS, TRIMMED = "stream_records", "stream_trimmed"


def apply() -> None:
    """Add the streams to what DynamoDB saves and restores."""
    expect_source(dynamodb.stream_records_since, "_trimmed_count(table_name", "_live_stream_records(")
    expect_source(dynamodb._live_stream_records, "_stream_records.get(table_name)")
    stock_save, stock_restore = dynamodb.get_state, dynamodb.load_persisted_state

    @functools.wraps(stock_save)
    def get_state() -> dict[str, Any]:
        return {**stock_save(), **_streams()}

    @functools.wraps(stock_restore)
    def load_persisted_state(data: dict[str, Any]) -> None:
        stock_restore(data)
        dynamodb._stream_records.update(data.get(RECORDS) or {})
        dynamodb._stream_trimmed.update(data.get(TRIMMED) or {})

    dynamodb.get_state = get_state
    dynamodb.load_persisted_state = load_persisted_state


def _streams() -> dict[str, AccountRegionScopedDict]:
    records, trimmed = AccountRegionScopedDict(), AccountRegionScopedDict()
    for (account_id, region, table_name), held in dynamodb._stream_records.all_items():
        already_trimmed = dynamodb._stream_trimmed.get_scoped(account_id, region, table_name, 0)
        first_unread = min([already_trimmed + len(held), *_positions(account_id, region, table_name)])
        trimmed.set_scoped(account_id, region, table_name, max(first_unread, already_trimmed))
        unread = held[max(first_unread - already_trimmed, 0) :]
        records.set_scoped(account_id, region, table_name, copy.deepcopy(unread))
    return {RECORDS: records, TRIMMED: trimmed}


def _positions(account_id: str, region: str, table_name: str) -> list[int]:
    """How far each mapping of the table's stream has read."""
    return [
        position
        for (mapping_account, mapping_region, uuid), mapping in lambda_svc._esms.all_items()
        if (mapping_account, mapping_region) == (account_id, region)
        and f":table/{table_name}/stream/" in mapping.get("EventSourceArn", "")
        and (position := lambda_svc._dynamodb_stream_positions.get_scoped(account_id, region, uuid)) is not None
    ]
