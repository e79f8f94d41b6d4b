"""The intake stage as its clients meet it, with a runner behind it that gives runs their content."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from letta_client import Letta
from letta_client.types import AgentState
from letta_client.types.agents import Run

import authorizer
import queue_runner
import stage
from nightshift.clock import SystemClock
from nightshift.domain.conversation import MAX_WAITING_RUNS
from nightshift.doorbell_batch import BATCH_SIZE
from nightshift.intake.submit import Submission
from nightshift.intake.wire.create_run import CreateRun
from nightshift.settings import TableSettings
from nightshift.storage import secrets
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Ring
from nightshift.storage.keys import scoped
from support.aws_tables import Stack, client_of
from support.events import load_event, queue_event
from support.lambda_context import FakeLambdaContext
from support.letta_sdk import letta, plain_http
from support.scripted_model.server import ScriptedModel

type Json = dict[str, Any]

TABLES = ("AgentsTable", "ConversationsTable", "RunsTable", "MessagesTable")
FUNCTIONS = ("HttpApiFunction", "RequestAuthorizerFunction", "QueueRunnerFunction")
READS = {"GetSecretValue", "GetItem", "BatchGetItem", "Query", "GetObject"}
RUNNER_MS = 300_000

UNKNOWN_AGENT = "agent-0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b"
UNKNOWN_RUN = "run-0d9a0c2e-30cf-4c7e-9a07-0000004d1f2a"
UNKNOWN_MESSAGE = "message-00000001-0001-4c7e-9a07-5b6c4d1f2a3b"
UNKNOWN_STEP = "step-0d9a0c2e-30cf-4c7e-9a07-0000014d1f2a"


@dataclass(frozen=True, slots=True)
class Deployment:
    """The functions of the first path on one stack, for one tenant."""

    stack: Stack
    tenant: str

    @property
    def token(self) -> str:
        return f"token-of-{self.tenant}"

    @property
    def stranger(self) -> "Deployment":
        """Return the same deployment for its second tenant."""
        return replace(self, tenant=f"{self.tenant}-stranger")

    @property
    def database(self) -> Database:
        return Database.connect(TableSettings.from_environment(self.stack.environment("HttpApiFunction")))

    def sdk(self) -> Letta:
        return letta(self.token)

    def http(self) -> httpx.Client:
        return plain_http(self.token)

    def create_agent(self, **fields: Any) -> AgentState:
        """Make an agent through the API."""
        return self.sdk().agents.create(**{"model": "openai/scripted", "system": "Be brief."} | fields)

    def post(self, agent_id: str, text: str = "hello", **fields: Any) -> Run:
        """Post one message through the API."""
        return self.sdk().agents.messages.create_async(agent_id, **{"input": text} | fields)

    def post_to(self, conversation_id: str, text: str) -> str:
        """Accept a run for a conversation as http_api does, without waiting for it; return the run's id."""
        lane = self.database.conversations.get(self.tenant, conversation_id)
        assert lane is not None
        submission = Submission(self.database, stage.doorbell(), SystemClock())
        body = CreateRun.model_validate({"input": text})
        return submission.submit(self.tenant, lane.agent_id, body, "correlation", conversation_id).id

    def ring(self, conversation_id: str) -> None:
        """Ring for a conversation as the sweeper does."""
        stage.doorbell().ring(Ring(self.tenant, conversation_id))

    def point_at(self, provider: ScriptedModel) -> None:
        """Put the provider's address into the providers secret."""
        settings = {"OPENAI_BASE_URL": provider.openai_base_url, "OPENAI_API_KEY": "key"}
        put_secret(self.stack, "ModelProvidersSecret", settings)

    def answer_doorbells(self) -> None:
        """Give the runner everything that is in its queue, as often as it rings again."""
        template = load_event("queue_delivery/due_delivery.json")
        while bodies := [message["Body"] for message in self.stack.messages("RunQueue")]:
            for start in range(0, len(bodies), BATCH_SIZE):
                event = queue_event(template, bodies[start : start + BATCH_SIZE])
                answer = queue_runner.lambda_handler(event, FakeLambdaContext(remaining_ms=RUNNER_MS))
                assert answer == {"batchItemFailures": []}

    def fill_queue(self, agent_id: str) -> None:
        """Let as many runs wait for the agent as may."""
        waiting = {"L": [{"S": f"run-{number}"} for number in range(MAX_WAITING_RUNS)]}
        client_of("dynamodb").update_item(
            TableName="ConversationsTable",
            Key={"pk": {"S": scoped(self.tenant, agent_id)}},
            UpdateExpression="SET waiting = :waiting",
            ExpressionAttributeValues={":waiting": waiting},
        )

    def is_due(self, conversation_id: str) -> bool:
        """Tell whether a sweep in two minutes would ring for the conversation."""
        due = self.database.conversations.due(SystemClock().now() + timedelta(minutes=2), 1_000)
        return (self.tenant, conversation_id) in [(tenant, found) for tenant, found, _ in due]

    def items(self, table: str) -> list[Json]:
        """Return the tenant's items of a table."""
        return [item for item in _scan(table) if item["pk"]["S"].startswith(scoped(self.tenant, ""))]

    def objects(self) -> list[str]:
        """Return the keys of the tenant's objects."""
        return [key for key in self.stack.objects() if key.startswith(f"{self.tenant}/")]

    @contextmanager
    def tries_no_write(self) -> Iterator[None]:
        """Check that the block makes no AWS call that could change a table, the bucket or a queue."""
        self.stack.calls.clear()
        yield
        assert {call.operation for call in self.stack.calls} <= READS

    @contextmanager
    def writes_nothing(self) -> Iterator[None]:
        """Check that the block leaves tables, bucket and queue as they were, for all tenants, whatever it tries."""
        before = _everything(self.stack)
        yield
        assert _everything(self.stack) == before


@dataclass(frozen=True, slots=True)
class Deployments:
    """Deployments on one stack, each of which finds nothing of the others: every one is a tenant of its own."""

    stack: Stack
    api_keys: Json = field(default_factory=dict)

    def new(self) -> Deployment:
        """Enrol a new tenant and its stranger, and leave no doorbell of earlier ones."""
        deployment = Deployment(self.stack, f"tenant-{len(self.api_keys)}")
        stranger = deployment.stranger
        self.api_keys[deployment.tenant] = deployment.token
        self.api_keys[stranger.tenant] = ["", f"next-{stranger.token}", stranger.token]
        put_secret(self.stack, "ApiKeysSecret", self.api_keys)
        self.stack.messages("RunQueue")
        self.stack.calls.clear()
        return deployment


def deploy(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Deployments:
    """Give the functions their environments and fresh caches."""
    for function in FUNCTIONS:
        for name, value in stack.environment(function).items():
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    forget_functions()
    return Deployments(stack)


def forget_functions() -> None:
    """End the runner's threads and make every function begin anew at its next call."""
    for cached in (authorizer._api_keys, authorizer._pauses, queue_runner._settings, queue_runner._slices):
        cached.cache_clear()
    stage.forget()


def put_secret(stack: Stack, logical_id: str, value: Json) -> None:
    """Change a secret, for the functions that read it before too."""
    client_of("secretsmanager").put_secret_value(SecretId=stack.values[logical_id], SecretString=json.dumps(value))
    secrets._provider().clear_cache()  # type: ignore[no-untyped-call]  # Powertools leaves its type out


def _everything(stack: Stack) -> Json:
    stored: Json = {table: sorted(_scan(table), key=repr) for table in TABLES}
    queue = client_of("sqs").get_queue_attributes(
        QueueUrl=stack.values["RunQueue"], AttributeNames=["ApproximateNumberOfMessages"]
    )
    return stored | {"objects": stack.objects(), "doorbells": queue["Attributes"]}


def _scan(table: str) -> list[Any]:
    pages = client_of("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]
