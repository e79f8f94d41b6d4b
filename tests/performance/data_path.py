"""The path of a run through the real handlers, in process: what AWS does between them is done here, call by call.

Time runs as it does, but begins at the start of a slot of the due-indexes: a write that falls into the next slot moves
the index's entry, which costs two units, and whether it does so would be chance.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import _lru_cache_wrapper
from typing import Any, Self

import pytest

import authorizer
import queue_delivery
import queue_runner
import schedule_sweeper
import stage
import stream_callbacks
from nightshift.clock import SystemClock
from nightshift.domain.conversation import DUE_SLOT
from support.aws_tables import Stack, client_of
from support.lambda_context import FakeLambdaContext
from support.letta_sdk import plain_http
from support.scripted_model.server import ScriptedModel

API_KEY = "key-of-the-default-tenant"
TENANT = "default"

FUNCTIONS = (
    "RequestAuthorizerFunction",
    "HttpApiFunction",
    "QueueRunnerFunction",
    "StreamCallbacksFunction",
    "QueueDeliveryFunction",
    "ScheduleSweeperFunction",
)

type Json = dict[str, Any]

_MODULES = (authorizer, stage, queue_runner, stream_callbacks, queue_delivery, schedule_sweeper)


@dataclass(slots=True)
class DataPath:
    """The functions of one stack.

    Attributes:
        ahead: what the functions' clock is before the machine's; add to it to let time pass.
        records_taken: records of the runs table's stream that stream_callbacks has had.
    """

    stack: Stack
    ahead: timedelta
    records_taken: int = 0

    @classmethod
    @contextmanager
    def connected(cls, stack: Stack, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> Iterator[Self]:
        """Give the functions their environment and secrets, and let them forget both afterwards."""
        for function in FUNCTIONS:
            for name, value in stack.environment(function, AllowPrivateCallbacks="true").items():
                monkeypatch.setenv(name, value)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "127.0.0.1")
        _put_secret(stack, "ApiKeysSecret", {TENANT: API_KEY})
        _put_secret(
            stack, "ModelProvidersSecret", {"OPENAI_BASE_URL": provider.openai_base_url, "OPENAI_API_KEY": "key"}
        )
        path = cls(stack, _time_to_the_next_slot())
        monkeypatch.setattr(SystemClock, "now", lambda _clock: datetime.now(UTC) + path.ahead)
        _forget()
        yield path
        _forget()

    def create_agent(self, **fields: object) -> str:
        """Make an agent of the scripted model; return its id."""
        body = {"model": "openai/scripted", "system": "Be brief."} | fields
        return str(self._post("/v1/agents/", body)["id"])

    def accept(self, agent_id: str, text: str = "What is my name?", **fields: object) -> Json:
        """Accept a run; return it as the API shows it."""
        return self._post(f"/v1/agents/{agent_id}/messages/async", {"input": text} | fields)

    def show(self, run_id: str) -> Json:
        with plain_http(API_KEY) as client:
            shown: Json = client.get(f"/v1/runs/{run_id}").raise_for_status().json()
            return shown

    def _post(self, where: str, body: Json) -> Json:
        with plain_http(API_KEY) as client:
            answer = client.post(where, json=body)
            assert answer.status_code == 200, answer.text
            shown: Json = answer.json()
            return shown

    def answer_doorbells(self) -> None:
        """Let one invocation of queue_runner answer what waits in RunQueue, ten messages at most."""
        self.run(self.take_doorbells())

    def take_doorbells(self) -> Json:
        """Return the event of queue_runner: as many messages as its mapping takes, the others are lost."""
        mapping = self.stack.template["Resources"]["QueueRunnerFunction"]["Properties"]["Events"]["Doorbell"]
        return _queue_event(self.stack.messages("RunQueue")[: mapping["Properties"]["BatchSize"]])

    def run(self, event: Json) -> None:
        context = FakeLambdaContext("QueueRunnerFunction", remaining_ms=300_000)
        assert queue_runner.lambda_handler(event, context) == {"batchItemFailures": []}

    def deliver(self) -> None:
        """Let the stream's new deliveries go through stream_callbacks and queue_delivery."""
        records = [record for record in self._new_records() if self._passes_filter(record)]
        assert stream_callbacks.lambda_handler({"Records": records}, FakeLambdaContext()) == {"batchItemFailures": []}
        event = _queue_event(self.stack.messages("CallbackQueue"))
        assert queue_delivery.lambda_handler(event, FakeLambdaContext()) == {"batchItemFailures": []}

    def _new_records(self) -> list[Json]:
        records = self.stack.stream_records("RunsTable")
        new, self.records_taken = records[self.records_taken :], len(records)
        return new

    def sweep(self) -> None:
        schedule_sweeper.lambda_handler({}, FakeLambdaContext("ScheduleSweeperFunction"))

    def _passes_filter(self, record: Json) -> bool:
        mapping = self.stack.template["Resources"]["StreamCallbacksFunction"]["Properties"]["Events"]["NewDelivery"]
        (only,) = mapping["Properties"]["FilterCriteria"]["Filters"]
        return _matches(json.loads(only["Pattern"]), record)


@pytest.fixture
def path(stack: Stack, provider: ScriptedModel, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataPath]:
    """The data path in process, connected to the stack in moto and to the scripted model."""
    with DataPath.connected(stack, provider, monkeypatch) as connected:
        yield connected


def _matches(pattern: Json, value: Json) -> bool:
    """Tell whether an event passes a filter of exact values (Lambda's event filtering syntax)."""
    return all(
        _matches(wanted, value.get(name, {})) if isinstance(wanted, dict) else value.get(name) in wanted
        for name, wanted in pattern.items()
    )


def _queue_event(messages: list[Json]) -> Json:
    return {"Records": [{"messageId": message["MessageId"], "body": message["Body"]} for message in messages]}


def _put_secret(stack: Stack, name: str, value: Json) -> None:
    client_of("secretsmanager").put_secret_value(SecretId=stack.values[name], SecretString=json.dumps(value))


def _time_to_the_next_slot() -> timedelta:
    slot_seconds = DUE_SLOT.total_seconds()
    return timedelta(seconds=slot_seconds - datetime.now(UTC).timestamp() % slot_seconds)


def _forget() -> None:
    """Empty the caches in which handlers keep what they connected at their first use."""
    for module in _MODULES:
        for cached in vars(module).values():
            if isinstance(cached, _lru_cache_wrapper):
                cached.cache_clear()
