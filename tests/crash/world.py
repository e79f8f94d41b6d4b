"""The deployed stack around one conversation, in this process: what rings is answered by the function's own handler.

Every invocation is a process of its own. One that dies takes its doorbell along: no message, stream record or request
comes a second time, so that only the sweeper stands behind it. Time is a manual clock's.
"""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

import queue_delivery
import queue_runner
import schedule_sweeper
import stream_callbacks
import workflow_slice
from crash.kill_switch import KillSwitch
from crash.scenario import PAY, Json, Scenario
from nightshift.domain.errors import RequestError, TransientError
from nightshift.domain.run import Run
from nightshift.execution import long_run
from nightshift.tools.sandbox import Sandbox
from support.aws_tables import Stack, client_of
from support.events import load_event, queue_event
from support.lambda_context import FakeLambdaContext
from support.lane import FUNCTION_MS, LEASE, TENANT, Lane, ProcessDiedError
from support.receiver import Receiver, answer
from support.scripted_model.server import ScriptedModel
from support.state_machine import StateMachine

SWEEPS = 20
"""Far more than any single death needs."""

SWEEP_SECONDS = LEASE.total_seconds() + 16
"""A lease's life, and a slot of the due-index."""

EVER = timedelta(days=30)

_FUNCTIONS = ("QueueRunner", "WorkflowSlice", "StreamCallbacks", "QueueDelivery", "ScheduleSweeper")
_MESSAGE = load_event("queue_delivery/due_delivery.json")
_EVERY_MINUTE = load_event("schedule_sweeper/every_minute.json")


class World:
    """One go at a scenario.

    Attributes:
        accepted: the runs that a client was told of.
        executions: what the tool did, by the key that it was given.
    """

    def __init__(
        self, scenario: Scenario, stack: Stack, provider: ScriptedModel, receiver: Receiver, switch: KillSwitch
    ) -> None:
        stack.empty()
        self.scenario, self.stack, self.receiver, self.switch = scenario, stack, receiver, switch
        self.lane = Lane(stack, provider)
        fields = {"parallel_tool_calls": True, "include_base_tools": False} | dict(scenario.agent)
        self.lane.use_agent(PAY, tool_fields=scenario.tool, **fields)
        self.lane.sandbox = Sandbox(self._execute)
        provider.play(rule=scenario.model)
        receiver.requests.clear()
        receiver.behave(*scenario.receiver or (answer(200),))
        self.accepted: list[Run] = []
        self.executions: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._slices = 0
        (self._stream,) = stack.stream_iterators("RunsTable")

    def play(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Send what the scenario's clients send, and let everything ring until nothing is left to do."""
        with self._deployed(monkeypatch), self.switch.armed(monkeypatch):
            for body in self.scenario.requests:
                self._send(body)
            if self.scenario.is_compacted:
                with _process():
                    self.accepted.append(self.lane.compact())
            if self.scenario.loses_doorbells:
                self._take("RunQueue")
            self._settle()
            if self.scenario.reply is None or not (asked := self._asked()):
                return
            self._send({"messages": [self.scenario.reply(asked)]})
            self._settle()

    def meddle(self) -> None:
        """Do what somebody else does in the middle of it, in a process of its own."""
        assert self.scenario.meddling is not None
        with _process():
            self.scenario.meddling(self)

    def runs(self) -> list[Run]:
        """Return the runs that are stored, oldest first: also one whose acceptance the client never heard of."""
        runs = self.lane.database.runs
        page = runs.list_page(TENANT, self.lane.agent.id, forward=True, limit=100)
        return runs.get_many(TENANT, [entry["run_id"] for entry in page.items], consistent=True)

    def is_overdue(self) -> bool:
        """Tell whether anything in the due-indexes will have to be looked at, ever."""
        then = self.lane.clock.now() + EVER
        return bool(self.lane.database.conversations.due(then, 1) or self.lane.database.deliveries.due(then, 1))

    # ------------------------------------------------------------------------------------------------- what rings

    def _settle(self) -> None:
        for _ in range(SWEEPS):
            while self._answer_rings():
                pass
            if not self.is_overdue():
                return
            self.lane.clock.advance(SWEEP_SECONDS)
            with _process():
                schedule_sweeper.lambda_handler(_EVERY_MINUTE, FakeLambdaContext())

    def _answer_rings(self) -> bool:
        """Answer what has rung, one after another; tell whether anything had."""
        sources: Sequence[tuple[Callable[[], list[Any]], Callable[[Any], None]]] = (
            (lambda: self._take("RunQueue"), self._run),
            (self._take_executions, self._execute_long_run),
            (self._take_records, self._hand_over),
            (lambda: self._take("CallbackQueue"), self._deliver),
        )
        has_rung = False
        for take, answer_one in sources:
            for rung in take():
                answer_one(rung)
                has_rung = True
        return has_rung

    def _run(self, body: str) -> None:
        with _process():
            self._slice(queue_runner.lambda_handler, _event(body))

    def _slice(self, handler: Callable[[Json, Any], Json], event: Json) -> Json:
        if self._slices == self.scenario.meddles_before_slice:
            self.meddle()
        self._slices += 1
        return handler(event, FakeLambdaContext(remaining_ms=FUNCTION_MS))

    def _execute_long_run(self, state: Json) -> None:
        machine = StateMachine(lambda data: self._slice(workflow_slice.lambda_handler, data), self.lane.clock)
        machine.execute(state)

    def _hand_over(self, record: Json) -> None:
        with _process():
            stream_callbacks.lambda_handler({"Records": [record]}, FakeLambdaContext())

    def _deliver(self, body: str) -> None:
        with _process():
            queue_delivery.lambda_handler(_event(body), FakeLambdaContext())

    def _take(self, queue: str) -> list[str]:
        messages = self.stack.messages(queue)
        for message in messages:
            client_of("sqs").delete_message(QueueUrl=self.stack.values[queue], ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in messages]

    def _take_executions(self) -> list[Json]:
        client, arn = client_of("stepfunctions"), self.stack.environment("QueueRunnerFunction")["LONG_RUN_ARN"]
        started = client.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]
        arns = [execution["executionArn"] for execution in started]
        states = [json.loads(client.describe_execution(executionArn=one)["input"]) for one in arns]
        for one in arns:
            client.stop_execution(executionArn=one)
        return states

    def _take_records(self) -> list[Json]:
        """Return the stream's new records that pass the filter of template.yaml."""
        if not self.scenario.has_callbacks:
            return []
        answer = client_of("dynamodbstreams").get_records(ShardIterator=self._stream)
        self._stream = answer["NextShardIterator"]
        records: list[Json] = answer["Records"]
        return [
            one
            for one in records
            if (one["eventName"], one["dynamodb"]["Keys"]["sk"]["S"]) == ("INSERT", "run#delivery")
        ]

    # ------------------------------------------------------------------------------------------------- what answers

    @contextmanager
    def _deployed(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        """Let the handlers work on what they connect to by themselves, but with the lane's clock, sandbox and time."""
        scenario, clock = self.scenario, self.lane.clock
        with monkeypatch.context() as patch:
            for name in _FUNCTIONS:
                for variable, value in self.stack.environment(f"{name}Function", AllowPrivateCallbacks="true").items():
                    patch.setenv(variable, value)
            slices = replace(
                queue_runner._slices.__wrapped__(),
                clock=clock,
                sandbox=self.lane.sandbox,
                slice_duration=timedelta(seconds=scenario.slice_seconds),
                lease_duration=LEASE,
            )
            sweeper = replace(schedule_sweeper._sweeper.__wrapped__(), clock=clock)
            delivery = queue_delivery._delivery.__wrapped__()
            delivery = replace(delivery, deliverer=replace(delivery.deliverer, clock=clock))
            patch.setattr(queue_runner, "_slices", lambda: slices)
            patch.setattr(workflow_slice, "_slices", lambda: slices)
            patch.setattr(schedule_sweeper, "_sweeper", lambda: sweeper)
            patch.setattr(queue_delivery, "_delivery", lambda: delivery)
            if scenario.slices_per_execution:
                patch.setattr(long_run, "MAX_SLICES_PER_EXECUTION", scenario.slices_per_execution)
            yield

    def _send(self, body: Json) -> None:
        callback = {"callback_url": self.receiver.url} if self.scenario.has_callbacks else {}
        with _process():
            self.accepted.append(self.lane.accept(**callback | body))

    def _asked(self) -> list[str]:
        asked = self.lane.conversation.pending_approval
        return [*asked.tool_call_ids] if asked else []

    def _execute(self, payload: Json) -> Json:
        """Be the tool: an execution may die like a write."""
        try:
            self.switch.passed("Execute", lambda: self._count_execution(payload["tool_call_id"]))
        except ReadTimeoutError as error:
            raise TransientError("the sandbox's answer was lost") from error
        return {"status": "success", "text": "paid", "stdout": [], "stderr": []}

    def _count_execution(self, key: str) -> None:
        with self._lock:
            self.executions[key] += 1


def _event(body: str) -> Json:
    return queue_event(_MESSAGE, [body])


def _process() -> suppress:
    """Let a process end here, whichever way."""
    return suppress(ProcessDiedError, TransientError, RequestError)
