"""Failures of single AWS operations, by the codes that AWS uses."""

from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError

type Json = dict[str, Any]


def conflict(writes: int) -> ClientError:
    """Return what DynamoDB says when another transaction touches the first item of this one."""
    reasons = [{"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}]
    reasons += [{"Code": "None"}] * (writes - 1)
    return _error("TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons)


def write_conflict(operation: str) -> ClientError:
    """Return what DynamoDB says of a single write on an item that a transaction touches."""
    return _error("TransactionConflictException", operation)


def throttled(operation: str) -> ClientError:
    return _error("ThrottlingException", operation)


def no_connection() -> EndpointConnectionError:
    return EndpointConnectionError(endpoint_url="https://sqs.eu-central-1.amazonaws.com")


def fail(monkeypatch: pytest.MonkeyPatch, operation: str, *errors: Exception, always: Exception | None = None) -> None:
    """Let calls of this operation fail with these errors in turn, then with `always`, if that is given."""
    make_api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's stubs leave it out
    waiting = list(errors)

    def make_failing_call(client: BaseClient, name: str, parameters: Json) -> Any:
        if name == operation and (error := waiting.pop(0) if waiting else always):
            raise error
        return make_api_call(client, name, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", make_failing_call)


def _error(code: str, operation: str, **fields: Any) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": f"{code}, says AWS"}, **fields}
    return ClientError(response, operation)
