"""One agent's conversation with everything that works on it, in process: accept, slices, sweeps, what is stored.

Time is a manual clock's, the state is moto's, the model answers over real HTTP. A slice here is what one doorbell
makes a runner do.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import boto3

from nightshift.clock import Clock
from nightshift.domain.agent import Agent
from nightshift.domain.conversation import Conversation
from nightshift.domain.message import Message
from nightshift.domain.run import Run
from nightshift.execution.model_source import ModelSource
from nightshift.execution.slice import SliceResult, SliceRunner
from nightshift.intake.agents import AgentRegistry
from nightshift.intake.submit import Submission
from nightshift.intake.tools import ToolRegistry
from nightshift.intake.wire.agents import CreateAgent
from nightshift.intake.wire.compaction import CompactMessages
from nightshift.intake.wire.create_run import CreateRun
from nightshift.intake.wire.tools import CreateTool
from nightshift.models.port import Model
from nightshift.settings import TableSettings
from nightshift.storage import clients
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Doorbell
from nightshift.storage.secrets import Secret
from nightshift.telemetry import log_keys
from nightshift.tools.sandbox import Sandbox
from support.aws_tables import REGION, Stack
from support.clock import ManualClock
from support.sandbox_lambda import run_in_process
from support.scripted_model.server import ScriptedModel

TENANT = "default"
LEASE = timedelta(seconds=60)
FUNCTION_MS = 300_000
MEMORY_MB = 1_024


@dataclass
class Lane:
    """The conversation of a fresh agent."""

    stack: Stack
    provider: ScriptedModel
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        environment = self.stack.environment("QueueRunnerFunction")
        settings = {"OPENAI_BASE_URL": self.provider.openai_base_url, "OPENAI_API_KEY": "key"}
        secret_arn = environment["MODEL_PROVIDERS_SECRET_ARN"]
        boto3.client("secretsmanager", region_name=REGION).put_secret_value(
            SecretId=secret_arn, SecretString=json.dumps(settings)
        )
        self.database = Database.connect(TableSettings.from_environment(environment))
        self.models = ModelSource(Secret(secret_arn, timedelta(seconds=300)))
        self.doorbell = Doorbell(clients.sqs(), self.stack.values["RunQueue"])
        self.sandbox = Sandbox(run_in_process)
        self.agent = self.create_agent()

    def create_agent(self, **fields: object) -> Agent:
        """Make an agent; fields are those of the API."""
        body = CreateAgent.model_validate({"model": "openai/scripted", "system": "Be brief."} | fields)
        return AgentRegistry(self.database, self.doorbell, self.clock).create(TENANT, body).agent

    def create_tool(self, source: str, **fields: object) -> str:
        """Make a tool of this Python source; fields are those of the API. Return its id."""
        body = CreateTool.model_validate({"source_code": source} | fields)
        return ToolRegistry(self.database, self.clock).create(TENANT, body).id

    def use_agent(self, *sources: str, tool_fields: Mapping[str, object] | None = None, **fields: Any) -> Agent:
        """Go on with a fresh agent that has tools of these sources, all of them with the same further fields."""
        made = [self.create_tool(source, **(tool_fields or {})) for source in sources]
        self.agent = self.create_agent(**{"tool_ids": made} | fields)
        return self.agent

    def accept(self, text: str = "hello", **fields: Any) -> Run:
        """Accept a run as http_api does; a second passes, so that times tell runs apart."""
        body = CreateRun.model_validate({"messages": [{"role": "user", "content": text}]} | fields)
        submission = Submission(self.database, self.doorbell, self.clock)
        with log_keys():
            run = submission.submit(TENANT, self.agent.id, body, "correlation")
        self.clock.advance(1)
        return run

    def compact(self, **settings: object) -> Run:
        """Accept a run to compact, as http_api does."""
        body = CompactMessages.model_validate({"compaction_settings": settings or None})
        submission = Submission(self.database, self.doorbell, self.clock)
        with log_keys():
            run = submission.submit(TENANT, self.agent.id, body, "correlation")
        self.clock.advance(1)
        return run

    def run_slice(self, slice_seconds: float = 120) -> SliceResult:
        """Do what one doorbell makes a runner do."""
        return self.runner(slice_seconds).run(TENANT, self.agent.id, FUNCTION_MS)

    def runner(self, slice_seconds: float = 120, clock: Clock | None = None) -> SliceRunner:
        """Return what executes slices; `clock` is its own machine's where that is not the lane's."""
        duration = timedelta(seconds=slice_seconds)
        return SliceRunner(self.database, self.models, clock or self.clock, duration, LEASE, MEMORY_MB, self.sandbox)

    def sweep(self) -> list[SliceResult]:
        """Let a lease's life and a sweep go by: whatever is due is rung for."""
        self.clock.advance(LEASE.total_seconds() + 16)
        due = self.database.conversations.due(self.clock.now(), 100)
        return [self.run_slice() for _, conversation_id, _ in due if conversation_id == self.agent.id]

    def run(self, run: Run) -> Run:
        """Read the run as it is stored now."""
        found = self.database.runs.get(TENANT, run.id)
        assert found is not None
        return found

    @property
    def conversation(self) -> Conversation:
        found = self.database.conversations.get(TENANT, self.agent.id)
        assert found is not None
        return found

    @property
    def log(self) -> list[Message]:
        """Return all messages but the system message."""
        return list(self.database.messages.read(TENANT, self.agent.id, first=1, last=10**9))

    def texts(self) -> list[str]:
        """Return the log as `role: text`."""
        return [f"{message.role}: {message.draft.text}" for message in self.log]

    def assert_settled(self, runs: Sequence[Run]) -> None:
        """Check what must hold once nothing is left to do, whatever happened on the way."""
        for run in map(self.run, runs):
            assert run.status.is_terminal, f"{run.id} is {run.status}"
            if run.step_count:
                assert run.first_sequence is not None
                assert run.last_sequence is not None
            steps = list(self.database.steps.read(TENANT, run.id, first=1, last=run.step_count, forward=True))
            assert [step.number for step in steps] == list(range(1, run.step_count + 1))
        assert [message.sequence for message in self.log] == list(range(1, len(self.log) + 1))
        answered = {given.tool_call_id for message in self.log for given in message.draft.tool_returns}
        called = {call.id for message in self.log for call in message.draft.tool_calls}
        assert called == answered
        conversation = self.conversation
        assert conversation.waiting == ()
        assert conversation.lease_holder is None
        assert conversation.next_sequence == len(self.log) + 1
        assert self.database.conversations.due(self.clock.now() + timedelta(days=2), 100) == []

    def run_slice_that_dies_in_the_model_call(self, *, after_calls: int = 0) -> None:
        """Begin a slice whose process dies while the model thinks: nothing of it is written any more."""
        models = _DyingModels(self.models.secret, left=count(after_calls, -1))
        runner = SliceRunner(self.database, models, self.clock, timedelta(seconds=120), LEASE, MEMORY_MB)
        with suppress(ProcessDiedError):
            runner.run(TENANT, self.agent.id, FUNCTION_MS)

    def delete_agent(self) -> None:
        """Delete the agent as http_api does."""
        AgentRegistry(self.database, self.doorbell, self.clock).delete(TENANT, self.agent.id)


class ProcessDiedError(BaseException):
    """The process ends here: no handler of ordinary errors may see it."""


@dataclass(frozen=True, kw_only=True)
class _DyingModels(ModelSource):
    left: Iterator[int]

    def model(self, handle: str) -> Model:
        if next(self.left) > 0:
            return super().model(handle)
        raise ProcessDiedError(handle)
