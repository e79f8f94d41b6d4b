"""DynamoDB stream mappings retry, bisect, report and give up as AWS's do, without stalling the queues.

AWS: a failing batch blocks its shard and is retried up to MaximumRetryAttempts; with BisectBatchOnFunctionError it is
halved to isolate the bad record; with ReportBatchItemFailures processing resumes at the first failed record; what is
given up goes to the OnFailure destination. Other mappings are not affected.

Stock MiniStack: the batch runs on the thread that polls the queues and stalls them; it is retried for ever about
every second; partial failures are ignored, so the records after a reported failure are lost.

ParallelizationFactor stays 1. A batching window is not waited for.
"""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ministack.services import dynamodb, lambda_svc, sqs

from emulator.expectations import expect_parameters, expect_source

logger = logging.getLogger("emulator.stream_mappings")

RETRY_DELAY_SECONDS = (0.2, 5.0)
"""First and longest pause between two tries of a batch."""

type Mapping = dict[str, Any]
type Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A record that passed the mapping's filter, and the stream position just behind it."""

    record: Record
    next_position: int

    @property
    def sequence_number(self) -> str:
        return str(self.record["dynamodb"]["SequenceNumber"])

    @property
    def age_seconds(self) -> float:
        return time.time() - float(self.record["dynamodb"].get("ApproximateCreationDateTime", time.time()))


def apply() -> None:
    """Replace the poll of stream mappings: one batch at a time per mapping, each on a thread of its own."""
    expect_source(lambda_svc._poll_loop, "_poll_dynamodb_streams()")
    expect_parameters(lambda_svc._dispatch_esm_batch, "esm_id", "fn")
    expect_parameters(dynamodb.stream_records_since, "table_name", "position", "limit")
    expect_parameters(lambda_svc._apply_filter_criteria, "records", "esm")
    expect_parameters(
        lambda_svc._send_ddb_stream_failure_record, "esm", "func_rec", "batch", "stream_arn", "result", "condition"
    )
    lambda_svc._poll_dynamodb_streams = _poll


def _poll() -> bool:
    """Start a batch for every mapping with new records; tell whether any record was taken."""
    took_any = False
    for mapping, table_name in _idle_mappings():
        try:
            took_any = _start_batch(mapping, table_name) or took_any
        except Exception:
            logger.exception("polling of mapping %s failed", mapping.get("UUID"))
    return took_any


def _start_batch(mapping: Mapping, table_name: str) -> bool:
    position = _position(mapping, table_name)
    raw = dynamodb.stream_records_since(table_name, position, int(mapping.get("BatchSize") or 100))
    if not raw:
        return False
    entries = _entries(mapping, raw, position)
    lambda_svc._dispatch_esm_batch(mapping["UUID"], _process, mapping, entries, position + len(raw))
    return True


def _idle_mappings() -> Iterator[tuple[Mapping, str]]:
    """The enabled mappings of live streams without a batch in flight, each in the scope of its account and region."""
    for account_id, region, mapping in list(lambda_svc._iter_all_esms()):
        account_token = lambda_svc._request_account_id.set(account_id)
        region_token = lambda_svc._request_region.set(region)
        try:
            table_name = _table_of(mapping)
            if table_name and not lambda_svc._esm_inflight.get(mapping["UUID"]):
                yield mapping, table_name
        finally:
            lambda_svc._request_account_id.reset(account_token)
            lambda_svc._request_region.reset(region_token)


def _table_of(mapping: Mapping) -> str | None:
    stream_arn: str = mapping.get("EventSourceArn", "")
    if not mapping.get("Enabled", True) or ":dynamodb:" not in stream_arn or _function_of(mapping) is None:
        return None
    table_name = stream_arn.split("/stream/", maxsplit=1)[0].rsplit("/", maxsplit=1)[-1]
    table = dynamodb._tables.get(table_name)
    return table_name if table and table.get("LatestStreamArn") == stream_arn else None


def _function_of(mapping: Mapping) -> dict[str, Any] | None:
    function, _ = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
    return dict(function) if function is not None else None


def _position(mapping: Mapping, table_name: str) -> int:
    """The next position to read, within what the stream still holds.

    A restored position can lie beyond the end, because tables and mappings are saved one after the other.
    """
    horizon = int(dynamodb.stream_start_position(table_name))
    end = int(dynamodb.stream_end_position(table_name))
    start = horizon if mapping.get("StartingPosition") == "TRIM_HORIZON" else end
    with lambda_svc._dynamodb_stream_positions_lock:
        positions = lambda_svc._dynamodb_stream_positions
        position = min(max(int(positions.get(mapping["UUID"], start)), horizon), end)
        # Kept, because a position beyond the end would hide the records that come next.
        positions[mapping["UUID"]] = position
    return position


def _advance(mapping: Mapping, position: int) -> None:
    with lambda_svc._dynamodb_stream_positions_lock:
        lambda_svc._dynamodb_stream_positions[mapping["UUID"]] = position


def _entries(mapping: Mapping, raw: list[Record], position: int) -> list[Entry]:
    """The records that pass the mapping's filter."""
    passing = {id(record) for record in lambda_svc._apply_filter_criteria(raw, mapping)}
    numbered = enumerate(raw, start=position + 1)
    return [Entry(record, next_position) for next_position, record in numbered if id(record) in passing]


def _process(mapping: Mapping, entries: list[Entry], end_position: int) -> None:
    """Work through one batch until every record was processed or given up, then move past it."""
    pending = [entries] if entries else []
    while pending:
        rest = _process_or_split(mapping, pending.pop(0))
        if rest is None:
            return
        pending[:0] = rest
    _advance(mapping, end_position)


def _process_or_split(mapping: Mapping, batch: list[Entry]) -> list[list[Entry]] | None:
    """Try one batch until it succeeds, is given up, or is to be tried in parts.

    Returns:
        The parts to try next, in order; None when the mapping was removed or disabled meanwhile.
    """
    tries = 0
    while True:
        function = _function_of(mapping)
        if function is None or not _is_active(mapping):
            return None
        result = lambda_svc._execute_function(function, {"Records": [entry.record for entry in batch]})
        failed_at = _first_failure(mapping, batch, result)
        if failed_at is None:
            mapping["LastProcessingResult"] = f"OK - {len(batch)} records"
            _advance(mapping, batch[-1].next_position)
            return []
        mapping["LastProcessingResult"] = "FAILED"
        if failed_at > 0:
            _advance(mapping, batch[failed_at - 1].next_position)
            return [batch[failed_at:]]
        if not result.get("throttle"):
            # A throttled invocation never reached the function: it is not a try, and no reason to bisect.
            tries += 1
            if len(batch) > 1 and mapping.get("BisectBatchOnFunctionError"):
                middle = len(batch) // 2
                return [batch[:middle], batch[middle:]]
        if condition := _reason_to_give_up(mapping, batch, tries):
            _give_up(mapping, function, batch, result, condition)
            return []
        first, longest = RETRY_DELAY_SECONDS
        time.sleep(min(first * 2.0 ** max(tries - 1, 0), longest))


def _is_active(mapping: Mapping) -> bool:
    return lambda_svc._esms.get(mapping["UUID"]) is mapping and bool(mapping.get("Enabled", True))


def _first_failure(mapping: Mapping, batch: list[Entry], result: dict[str, Any]) -> int | None:
    """The index of the first record to try again; None when the whole batch succeeded."""
    if result.get("error"):
        return 0
    body = result.get("body")
    if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or []) or not isinstance(body, dict):
        return None
    reported = [failure.get("itemIdentifier") for failure in body.get("batchItemFailures") or []]
    if not reported:
        return None
    failed = [index for index, entry in enumerate(batch) if entry.sequence_number in reported]
    # An identifier that is not in the batch fails all of it.
    return failed[0] if failed else 0


def _reason_to_give_up(mapping: Mapping, batch: list[Entry], tries: int) -> str | None:
    maximum_retries = mapping.get("MaximumRetryAttempts")
    maximum_age_seconds = mapping.get("MaximumRecordAgeInSeconds")
    if maximum_retries is not None and 0 <= int(maximum_retries) < tries:
        return "RetryAttemptsExhausted"
    if maximum_age_seconds and 0 < int(maximum_age_seconds) < batch[0].age_seconds:
        return "MaxRecordAgeExceeded"
    return None


def _give_up(
    mapping: Mapping, function: dict[str, Any], batch: list[Entry], result: dict[str, Any], condition: str
) -> None:
    records = [entry.record for entry in batch]
    with sqs._queues_lock:
        lambda_svc._send_ddb_stream_failure_record(
            mapping, function, records, mapping["EventSourceArn"], result, condition
        )
    _advance(mapping, batch[-1].next_position)
