"""Conflicts are repeated, conditions are told apart, services' errors are translated once."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from nightshift.domain.errors import ConditionFailedError, TransientError
from nightshift.storage import dynamo
from nightshift.storage.dynamo import Dynamo, Put, Update, to_attributes, to_item


class ScriptedClient:
    """Raises what it is given, one after another, then succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def _next(self, **_arguments: Any) -> dict[str, Any]:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return {"Attributes": {}}

    put_item = update_item = transact_write_items = _next


def cancelled(*codes: str, item: dict[str, Any] | None = None) -> ClientError:
    reasons = [{"Code": code} | ({"Item": to_attributes(item)} if item and code != "None" else {}) for code in codes]
    response: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
    return ClientError(response, "TransactWriteItems")


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "UpdateItem")


PUT = Put("table", {"pk": "a"})
UPDATE = Update("table", {"pk": "a"}, "SET #x = :x", "#x = :x", {"x": 1})

type Act = Callable[[Dynamo], object]


def write(gateway: Dynamo) -> object:
    return gateway.write(UPDATE)


def transact(gateway: Dynamo) -> object:
    gateway.transact([PUT, UPDATE])
    return None


@pytest.mark.parametrize(
    ("act", "conflict"),
    [
        (transact, cancelled("None", "TransactionConflict")),
        (transact, cancelled("ThrottlingError", "TransactionConflict")),
        (transact, refused("TransactionInProgressException")),
        (write, refused("TransactionConflictException")),
    ],
)
def test_conflict_is_repeated_until_it_is_over(act: Act, conflict: ClientError) -> None:
    client = ScriptedClient(conflict, conflict, conflict)

    act(Dynamo(client))  # type: ignore[arg-type]  # only what is called

    assert client.calls == 4


def test_conflict_that_never_ends_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamo, "CONFLICT_PATIENCE_SECONDS", 0.05)
    client = ScriptedClient(*[cancelled("TransactionConflict")] * 1_000)

    with pytest.raises(TransientError, match="TransactionConflict"):
        Dynamo(client).transact([PUT])  # type: ignore[arg-type]  # only what is called


class BusyClient:
    """Does one key of a batch at a time and leaves the others over, as a throttled table does."""

    def __init__(self) -> None:
        self.calls = 0

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 -- boto3's name
        self.calls += 1
        first, *left = RequestItems["table"]["Keys"]
        unprocessed = {"table": {**RequestItems["table"], "Keys": left}} if left else {}
        return {"Responses": {"table": [first]}, "UnprocessedKeys": unprocessed}

    def batch_write_item(self, RequestItems: Any) -> Any:  # noqa: N803 -- boto3 names it so
        self.calls += 1
        left = RequestItems["table"][1:]
        return {"UnprocessedItems": {"table": left} if left else {}}


KEYS = [{"pk": name} for name in "abc"]


def test_what_a_batch_leaves_over_is_asked_for_again() -> None:
    client = BusyClient()

    assert Dynamo(client).get_many("table", KEYS) == KEYS  # type: ignore[arg-type]  # only what is called
    assert client.calls == 3

    Dynamo(client).delete_many("table", KEYS)  # type: ignore[arg-type]  # only what is called
    assert client.calls == 6


def test_batch_that_is_left_over_for_ever_is_transient_and_asked_with_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamo, "CONFLICT_PATIENCE_SECONDS", 0.2)
    client = BusyClient()
    monkeypatch.setattr(client, "batch_write_item", lambda RequestItems: _left_over(client, RequestItems))  # noqa: N803 -- boto3 names it so

    with pytest.raises(TransientError, match="left over"):
        Dynamo(client).delete_many("table", KEYS)  # type: ignore[arg-type]  # only what is called

    assert 1 < client.calls < 100


def _left_over(client: BusyClient, everything: Any) -> Any:
    client.calls += 1
    return {"UnprocessedItems": everything}


def test_failed_condition_wins_over_a_conflict_beside_it() -> None:
    client = ScriptedClient(cancelled("TransactionConflict", "ConditionalCheckFailed", item={"pk": "found", "n": 3}))

    with pytest.raises(ConditionFailedError) as failed:
        Dynamo(client).transact([PUT, UPDATE])  # type: ignore[arg-type]  # only what is called

    assert (failed.value.index, failed.value.found) == (1, {"pk": "found", "n": 3})
    assert client.calls == 1


@pytest.mark.parametrize(
    "error",
    [
        refused("InternalServerError"),
        refused("AccessDeniedException"),
        EndpointConnectionError(endpoint_url="https://dynamodb.invalid"),
    ],
)
def test_service_that_fails_is_transient_and_not_repeated_here(error: Exception) -> None:
    client = ScriptedClient(error)

    with pytest.raises(TransientError):
        Dynamo(client).write(UPDATE)  # type: ignore[arg-type]  # only what is called

    assert client.calls == 1


def test_invalid_expression_is_a_bug_and_stays_one() -> None:
    with pytest.raises(ClientError):
        Dynamo(ScriptedClient(refused("ValidationException"))).write(UPDATE)  # type: ignore[arg-type]  # only what is called


def test_values_survive_the_way_to_the_table_and_back() -> None:
    item = {"text": "ü", "number": 2**60, "flag": True, "list": ["a", 1], "map": {"k": {"n": -3}}, "empty": []}

    assert to_item(to_attributes(item | {"absent": None})) == item
