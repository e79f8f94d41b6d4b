"""Writes what a version stores, in every situation that a deploy can meet, into `stored/<version>.json`.

Run in a checkout of that version (docs/upgrade.md says how); it uses nothing but what the first release had. Later
versions have to read the file for as long as they can be deployed over that one.
"""

import json
import os
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from moto import mock_aws

from nightshift.domain.agent import Agent
from nightshift.domain.callback import AttemptOutcome, Retry
from nightshift.domain.run import Run
from nightshift.execution.long_run import continue_as_long_run
from nightshift.execution.slice import SliceResult
from nightshift.intake.cancel import Cancellation
from nightshift.intake.conversations import ConversationRegistry
from nightshift.intake.submit import Submission
from nightshift.intake.tools import ToolRegistry
from nightshift.intake.wire.conversations import CreateConversation
from nightshift.intake.wire.create_run import CreateRun, RunHeaders
from nightshift.intake.wire.tools import CreateTool
from nightshift.storage import clients
from nightshift.storage.deliveries import Deliveries
from nightshift.storage.doorbells import Doorbell, Ring
from nightshift.storage.long_runs import LongRuns
from support.aws_tables import REGION, Stack, _forget_clients, _watch_calls, client_of, create_stack
from support.lane import TENANT, Lane
from support.scripted_model.answers import Call, ErrorReply, Reply
from support.scripted_model.server import ScriptedModel

type Json = dict[str, Any]

TABLES: Final = ("AgentsTable", "ConversationsTable", "RunsTable", "MessagesTable")
CALLBACK_URL: Final = "http://callback.invalid/hook"
IDEMPOTENCY_KEY: Final = "the-clients-own-name"
TOOL: Final = (
    'def ping(text: str) -> str:\n    """Answer.\n\n    Args:\n        text: what to say.\n    """\n    return text\n'
)
LARGE_TEXT: Final = "large " * 12_000
"""Of the request that is kept in the bucket."""


@dataclass(slots=True)
class Situations:
    """Agents, each left in the middle of something.

    Attributes:
        made: by name: the conversation, its agent, and its runs in the order of acceptance.
    """

    lane: Lane
    provider: ScriptedModel
    made: dict[str, Json] = field(default_factory=dict)

    def begin(self, name: str, **fields: object) -> Agent:
        """Go on with a fresh agent."""
        self.lane.agent = self.lane.create_agent(**fields)
        self.made[name] = {"agent_id": self.lane.agent.id, "conversation_id": self.lane.agent.id, "run_ids": []}
        return self.lane.agent

    def accept(self, text: str = "hello", **fields: Any) -> Run:
        """Accept a run for the newest agent."""
        run = self.lane.accept(text, callback_url=CALLBACK_URL, **fields)
        self._newest["run_ids"].append(run.id)
        return run

    def accept_in_conversation(self, text: str) -> None:
        """Make a conversation beside the agent's default one, with a run that waits in it."""
        lane, agent_id = self.lane, self._newest["agent_id"]
        registry = ConversationRegistry(lane.database, lane.doorbell, lane.clock)
        conversation_id = registry.create(TENANT, agent_id, CreateConversation()).description.id
        body = CreateRun.model_validate({"input": text, "callback_url": CALLBACK_URL})
        run = self._submission.submit(TENANT, agent_id, body, "correlation", conversation_id)
        self._newest.update(conversation_id=conversation_id, run_ids=[run.id])

    def accept_with_key(self, text: str) -> None:
        """Accept a run that its client gave a name."""
        body = CreateRun.model_validate({"input": text})
        headers = RunHeaders(idempotency_key=IDEMPOTENCY_KEY)
        run = self._submission.submit(TENANT, self._newest["agent_id"], body, "correlation", headers=headers)
        self._newest["run_ids"].append(run.id)

    def continue_as_long_run(self, result: SliceResult) -> None:
        """Do what queue_runner does after a slice; there is no state machine, its input is in the calls."""
        continue_as_long_run(LongRuns(clients.stepfunctions(), "arn:aws:states:x"), result, "correlation")

    @property
    def _newest(self) -> Json:
        return self.made[next(reversed(self.made))]

    @property
    def _submission(self) -> Submission:
        return Submission(self.lane.database, self.lane.doorbell, self.lane.clock)


def make_situations(stack: Stack, provider: ScriptedModel) -> Situations:
    """Leave an agent in each of them."""
    lane = Lane(stack, provider)
    make = Situations(lane, provider)
    tool = ToolRegistry(lane.database, lane.clock).create(TENANT, CreateTool.model_validate({"source_code": TOOL}))
    memory = [{"label": "human", "value": "Likes brevity."}]

    make.begin("finished", memory_blocks=memory, tool_ids=[tool.id], secrets={"KEY": "value"})
    provider.play([Reply("Done.", reasoning="Simple enough.")])
    make.accept("finish this")
    lane.run_slice()

    make.begin("announced once in vain")
    provider.play([Reply("Done.")])
    run = make.accept("tell me later")
    lane.run_slice()
    deliveries = Deliveries(lane.database.dynamo, lane.database.runs.table)
    claimed = deliveries.claim(TENANT, run.id, lane.clock.now())
    assert claimed is not None
    deliveries.record(claimed, AttemptOutcome(503), Retry(timedelta(seconds=300)), lane.clock.now())
    Doorbell(clients.sqs(), stack.values["CallbackQueue"]).ring(Ring(TENANT, run.id, "correlation"))

    make.begin("failed")
    provider.play([ErrorReply(400, "refused")])
    make.accept("fail")
    lane.run_slice()

    make.begin("cancelled")
    make.accept("never mind")
    Cancellation(lane.database, lane.doorbell, lane.clock).cancel_agent(TENANT, lane.agent.id)

    make.begin("waiting", memory_blocks=memory)
    make.accept("first")
    make.accept(LARGE_TEXT, max_steps=7, include_return_message_types=["assistant_message"])
    make.accept("third", client_tools=[{"name": "look", "description": "look", "parameters": {"type": "object"}}])

    make.begin("waiting in a conversation")
    make.accept_in_conversation("beside")

    make.begin("waiting under a key")
    make.accept_with_key("once only")

    make.begin("held by a dead runner")
    make.accept("hold")
    lane.run_slice_that_dies_in_the_model_call()

    make.begin("between two slices", tool_ids=[tool.id])
    provider.play([Reply("Let me see.", tool_calls=(Call("ping", '{"text": "hi"}'),))])
    make.accept("use the tool")
    make.accept("and then this")
    make.continue_as_long_run(lane.run_slice(slice_seconds=0))

    make.begin("asleep")
    provider.play([ErrorReply(429, headers={"retry-after": "600"})])
    make.accept("later")
    make.continue_as_long_run(lane.run_slice())

    make.begin("deleted")
    make.accept("gone")
    lane.delete_agent()
    return make


def stored_state(stack: Stack, situations: Situations) -> Json:
    """Return everything that is stored, on its way in a queue, or carried by an execution."""
    bucket, s3, dynamodb = stack.values["PayloadBucket"], client_of("s3"), client_of("dynamodb")
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    starts = [call.parameters for call in stack.calls if call.operation == "StartExecution"]
    records = [record for record in stack.stream_records("RunsTable") if record["dynamodb"]["Keys"]["sk"]["S"] != "run"]
    return {
        "now": situations.lane.clock.now().isoformat(),
        "situations": situations.made,
        "tables": {table: dynamodb.scan(TableName=table)["Items"] for table in TABLES},
        "objects": {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode() for key in keys},
        "run_queue": [message["Body"] for message in stack.messages("RunQueue")],
        "callback_queue": [message["Body"] for message in stack.messages("CallbackQueue")],
        "stream_records": [record for record in records if record["dynamodb"]["Keys"]["sk"]["S"] == "run#delivery"],
        "execution_inputs": [json.loads(start["input"]) for start in starts],
    }


def main() -> None:
    """Write the file that is named on the command line."""
    os.environ |= {"AWS_DEFAULT_REGION": REGION, "NO_PROXY": "127.0.0.1"}
    with pytest.MonkeyPatch.context() as monkeypatch, mock_aws(), ScriptedModel(Reply("Hello.")) as provider:
        _forget_clients()
        stack = create_stack()
        _watch_calls(stack.calls, monkeypatch)
        state = stored_state(stack, make_situations(stack, provider))
    Path(sys.argv[1]).write_text(json.dumps(state, indent=1, default=str) + "\n")


if __name__ == "__main__":
    main()
