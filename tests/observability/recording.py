"""Records what all functions log while runs go well and badly: the real handlers, in process, on the stack in moto.

The lines are what CloudWatch would get, in the groups that template.yaml names. Each scenario ends with what it is for.
"""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import pytest
from botocore.client import BaseClient

import queue_delivery
import queue_runner
import workflow_slice
from intake.aws_failures import throttled
from nightshift.clock import SystemClock
from nightshift.execution import slice as slices
from nightshift.telemetry import log_keys, logger
from nightshift.tools.sandbox import Sandbox
from performance.data_path import TENANT, DataPath
from support.aws_tables import Stack, client_of, running_stack
from support.lambda_context import FakeLambdaContext
from support.letta_sdk import plain_http
from support.receiver import Receiver, answer, close, running_receiver
from support.sandbox_lambda import run_in_process
from support.scripted_model.answers import Call, ErrorReply, Reply
from support.scripted_model.server import ScriptedModel

type Json = dict[str, Any]

BROKEN_TOOL: Final = 'def fetch() -> str:\n    """Fetch."""\n    raise ValueError("nothing there")\n'
SERVICE: Final = "nightshift"


@dataclass
class Recording:
    """What was logged.

    Attributes:
        lines: of all functions, in their order.
        runs: ids of the runs by scenario.
    """

    lines: list[Json] = field(default_factory=list)
    runs: dict[str, str] = field(default_factory=dict)

    def of_run(self, scenario: str) -> list[Json]:
        return [line for line in self.lines if line.get("run_id") == self.runs[scenario]]

    @property
    def metrics(self) -> set[tuple[str, tuple[str, ...]]]:
        """Return every metric with the names of its dimensions that CloudWatch finds in the lines."""
        return {
            (metric["Name"], tuple(names))
            for line in self.lines
            if "_aws" in line
            for directive in line["_aws"]["CloudWatchMetrics"]
            for metric in directive["Metrics"]
            for names in directive["Dimensions"]
        }


def record() -> Recording:
    """Play all scenarios once, and leave nothing of the stack behind for other tests."""
    with pytest.MonkeyPatch.context() as monkeypatch, _provided() as (provider, receiver):
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", SERVICE)
        monkeypatch.setattr(SystemClock, "sleep", lambda _clock, _seconds: None)
        monkeypatch.setattr(slices, "_connect_sandbox", lambda _arn: Sandbox(run_in_process))
        with running_stack(monkeypatch) as stack, DataPath.connected(stack, provider, monkeypatch) as path:
            scenarios = Scenarios(stack, path, provider, receiver, monkeypatch)
            recording = Recording()
            with _captured(recording.lines):
                for play in scenarios.all():
                    recording.runs[play.__name__] = play()
            return recording


@contextmanager
def _provided() -> Iterator[tuple[ScriptedModel, Receiver]]:
    with ScriptedModel() as provider, running_receiver() as receiver:
        yield provider, receiver


@contextmanager
def _captured(lines: list[Json]) -> Iterator[None]:
    """Collect the lines of the logger, and those of the sandbox, which writes its own."""
    text = io.StringIO()
    (handler,) = logger.handlers
    usual = handler.setStream(text)  # type: ignore[attr-defined]  # the logger's handler is a StreamHandler
    service, logger.service = logger.service, SERVICE
    logger.append_keys(service=SERVICE)
    try:
        with redirect_stdout(text), log_keys():
            logger.thread_safe_clear_keys()  # of tests that ran before
            yield
    finally:
        handler.setStream(usual)  # type: ignore[attr-defined]  # the logger's handler is a StreamHandler
        logger.append_keys(service=service)
        logger.service = service
        # CloudWatch stamps each line with its arrival; here that is its place.
        lines += [{"@timestamp": at} | json.loads(line) for at, line in enumerate(text.getvalue().splitlines())]


@dataclass
class Scenarios:
    """Things that happen to runs; each returns the id of its run."""

    stack: Stack
    path: DataPath
    provider: ScriptedModel
    receiver: Receiver
    monkeypatch: pytest.MonkeyPatch

    def all(self) -> list[Callable[[], str]]:
        return [
            self.goes_well,
            self.outlives_its_slice,
            self.provider_is_down,
            self.provider_asks_for_time,
            self.is_cancelled,
            self.ends_its_runners,
            self.loses_its_lease,
            self.doorbell_is_lost,
            self.table_is_throttled,
            self.receiver_is_dead,
            self.api_has_a_bug,
        ]

    def goes_well(self) -> str:
        """A tool call that fails, an answer, a callback."""
        with plain_http("key-of-the-default-tenant") as client:
            tool = client.post("/v1/tools/", json={"source_code": BROKEN_TOOL}).json()
        self.provider.play([Reply(tool_calls=(Call("fetch"),)), Reply("There was nothing.")])
        run = self._accept(tool_ids=[tool["id"]])
        self.path.answer_doorbells()
        self.path.deliver()
        assert self.path.show(run)["callback_status_code"] == 200
        return run

    def outlives_its_slice(self) -> str:
        """The state machine goes on with it."""
        self.provider.play([Reply(tool_calls=(Call("unknown"),)), Reply("Done.")])
        run = self._accept()
        self.monkeypatch.setenv("SLICE_SECONDS", "0")
        _forget_slices()
        self.stack.calls.clear()
        self.path.answer_doorbells()
        self.monkeypatch.setenv("SLICE_SECONDS", "120")
        _forget_slices()
        (start,) = [call for call in self.stack.calls if call.operation == "StartExecution"]
        context = FakeLambdaContext("WorkflowSliceFunction", remaining_ms=300_000)
        assert workflow_slice.lambda_handler(json.loads(start.parameters["input"]), context)["outcome"] == "finished"
        return self._deliver(run)

    def provider_is_down(self) -> str:
        self.provider.play([ErrorReply(503)] * 4)
        run = self._accept()
        self.path.answer_doorbells()
        assert self.path.show(run)["stop_reason"] == "llm_api_error"
        return self._deliver(run)

    def provider_asks_for_time(self) -> str:
        self.provider.play([ErrorReply(429, headers={"Retry-After": "600"})])
        run = self._accept()
        self.path.answer_doorbells()
        assert self.path.show(run)["status"] == "running"
        return run

    def is_cancelled(self) -> str:
        run = self._accept()
        with plain_http("key-of-the-default-tenant") as client:
            agent_id = self.path.show(run)["agent_id"]
            client.post(f"/v1/agents/{agent_id}/messages/cancel", json={}).raise_for_status()
        self.path.answer_doorbells()
        return self._deliver(run)

    def ends_its_runners(self) -> str:
        """Three runners died on it."""
        run = self._accept()
        self._update("RunsTable", {"pk": {"S": f"{TENANT}#{run}"}, "sk": {"S": "run"}}, "starts_without_progress", "3")
        self.path.answer_doorbells()
        assert self.path.show(run)["stop_reason"] == "error"
        return self._deliver(run)

    def loses_its_lease(self) -> str:
        """Another runner claims the conversation while the model thinks."""
        run = self._accept()
        lane = {"pk": {"S": f"{TENANT}#{self.path.show(run)['agent_id']}"}}

        def rule(_seen: object) -> Reply:
            self._update("ConversationsTable", lane, "fencing_token", "7")
            return Reply("too late")

        self.provider.play(rule=rule)
        self.path.answer_doorbells()
        assert self.path.show(run)["status"] == "running"
        return run

    def doorbell_is_lost(self) -> str:
        """The sweeper rings for it, and for the run whose lease was lost before."""
        run = self._accept()
        self.path.take_doorbells()
        self.path.ahead += timedelta(minutes=3)
        self.path.sweep()
        self.provider.play([Reply("late"), Reply("later")])
        self.path.answer_doorbells()
        assert self.path.show(run)["status"] == "completed"
        self.path.ahead += timedelta(minutes=3)
        return self._deliver(run)

    def table_is_throttled(self) -> str:
        """The runner's message fails for the fifth time, the sweeper and the API get no answer either."""
        run = self._accept()
        event = self.path.take_doorbells()
        for record in event["Records"]:
            record["attributes"] = {"ApproximateReceiveCount": "5"}
        with self._failing("UpdateItem", "Query", "TransactWriteItems", error=throttled("UpdateItem")):
            context = FakeLambdaContext("QueueRunnerFunction", remaining_ms=300_000)
            assert queue_runner.lambda_handler(event, context)["batchItemFailures"]
            self.path.sweep()
            with plain_http("key-of-the-default-tenant") as client:
                agent_id = self.path.show(run)["agent_id"]
                assert client.post(f"/v1/agents/{agent_id}/messages/async", json={"input": "x"}).status_code == 503
        self.path.ahead += timedelta(minutes=3)
        self.path.sweep()
        self.provider.play([Reply("late")])
        self.path.answer_doorbells()
        return self._deliver(run)

    def receiver_is_dead(self) -> str:
        """It hangs up, and then, asked again, answers 500, and 410."""
        self.provider.play([Reply("Done.")])
        run = self._accept()
        self.path.answer_doorbells()
        self.receiver.behave(close(), answer(500), answer(410))
        self.path.deliver()
        body = json.dumps({"tenant": TENANT, "subject": run, "correlation_id": ""})
        for _ in range(2):
            self.path.ahead += timedelta(minutes=10)
            self.path.sweep()
            queue_delivery.lambda_handler({"Records": [{"messageId": "1", "body": body}]}, FakeLambdaContext())
        assert self.path.show(run)["callback_status_code"] == 410
        return run

    def api_has_a_bug(self) -> str:
        with (
            self._failing("TransactWriteItems", error=RuntimeError("a bug")),
            plain_http("key-of-the-default-tenant") as client,
        ):
            assert client.post("/v1/agents/", json={"model": "openai/scripted"}).status_code == 500
        return ""

    def _accept(self, **agent_fields: object) -> str:
        agent_id = self.path.create_agent(**agent_fields)
        return str(self.path.accept(agent_id, callback_url=self.receiver.url)["id"])

    def _deliver(self, run: str) -> str:
        self.path.deliver()
        return run

    def _update(self, table: str, key: Json, name: str, number: str) -> None:
        client_of("dynamodb").update_item(
            TableName=table,
            Key=key,
            UpdateExpression=f"SET {name} = :value",
            ExpressionAttributeValues={":value": {"N": number}},
        )

    @contextmanager
    def _failing(self, *operations: str, error: Exception) -> Iterator[None]:
        make_api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's stubs leave it out

        def call(client: BaseClient, name: str, parameters: Json) -> Any:
            if name in operations:
                raise error
            return make_api_call(client, name, parameters)

        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(BaseClient, "_make_api_call", call)
            yield


def _forget_slices() -> None:
    for cached in (queue_runner._settings, queue_runner._slices, workflow_slice._settings, workflow_slice._slices):
        cached.cache_clear()
