"""One queue's mapping cannot hold up another's, and a malformed partial response fails its whole batch.

AWS: mappings are polled independently. A ``batchItemFailures`` with an empty, missing or unknown ``itemIdentifier``
counts as a failure of the whole batch.

Stock MiniStack: one loop polls all mappings, so an exception at one skips those after it on every pass. A failure
entry without a usable identifier is ignored: the batch counts as a success and its messages are deleted.

Concurrency within a mapping is right as shipped: up to MaximumConcurrency (else 5) invocations at a time.
"""

import logging
import time
from typing import Any

from ministack.services import lambda_svc, sqs

from emulator.expectations import expect_parameters, expect_source

logger = logging.getLogger("emulator.queue_mappings")

type Mapping = dict[str, Any]


def apply() -> None:
    """Poll each mapping on its own, and judge partial responses as AWS does."""
    expect_source(lambda_svc._poll_sqs, "in _iter_all_esms():", "_dispatch_esm_batch(", "_run_sqs_batch, esm, func_rec")
    expect_parameters(lambda_svc._run_sqs_batch, "esm", "func_rec", "event", "batch", "queue_url", "queue_name")
    expect_source(lambda_svc._run_sqs_batch, "_esm_backoff_until", "_ESM_BACKOFF_SECONDS")
    lambda_svc._poll_sqs = _isolating_poll(lambda_svc._poll_sqs, lambda_svc._iter_all_esms)
    lambda_svc._run_sqs_batch = _run_batch


def _isolating_poll(stock_poll: Any, stock_mappings: Any) -> Any:
    def poll() -> bool:
        processed = False
        for entry in list(stock_mappings()):
            # Only the poll thread calls _iter_all_esms, so narrowing it to one mapping races with nobody.
            lambda_svc._iter_all_esms = lambda entry=entry: iter([entry])
            try:
                processed = stock_poll() or processed
            except Exception:
                logger.exception("polling of mapping %s failed", entry[-1].get("UUID"))
            finally:
                lambda_svc._iter_all_esms = stock_mappings
        return processed

    return poll


def _run_batch(
    mapping: Mapping,
    function: dict[str, Any],
    event: dict[str, Any],
    batch: list[dict[str, Any]],
    queue_url: str,
    queue_name: str,
) -> None:
    """Invoke the function with a batch and delete what it processed; the rest returns after its visibility timeout."""
    result = lambda_svc._execute_function(function, event)
    delivered = {message["id"]: message["receipt_handle"] for message in batch}
    failed = set(delivered) if result.get("error") else _failed_ids(mapping, result.get("body"), set(delivered))
    succeeded = delivered.keys() - failed
    sqs._delete_messages_for_esm(queue_url, {delivered[message_id] for message_id in succeeded})
    if succeeded:
        lambda_svc._esm_backoff_until.pop(mapping["UUID"], None)
    else:
        lambda_svc._esm_backoff_until[mapping["UUID"]] = time.time() + lambda_svc._ESM_BACKOFF_SECONDS
    mapping["LastProcessingResult"] = f"{'OK' if succeeded else 'FAILED'} - {len(succeeded)} of {len(batch)} records"
    if failed:
        counts = f"{len(failed)} of {len(batch)} messages from {queue_name}"
        logger.warning("%s failed for %s: %s", mapping["FunctionName"], counts, result.get("body"))


def _failed_ids(mapping: Mapping, body: Any, delivered: set[str]) -> set[str]:
    """The message ids that the function's response says to deliver again."""
    if "ReportBatchItemFailures" not in (mapping.get("FunctionResponseTypes") or []) or not isinstance(body, dict):
        return set()
    identifiers = [_identifier_of(failure) for failure in body.get("batchItemFailures") or []]
    if not all(identifier in delivered for identifier in identifiers):
        return delivered
    return {identifier for identifier in identifiers if identifier}


def _identifier_of(failure: Any) -> str | None:
    return failure.get("itemIdentifier") if isinstance(failure, dict) else None
