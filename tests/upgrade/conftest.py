"""What an older version left behind, in the tables, the bucket and the queues of this one."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from nightshift.domain.run import Run
from support.aws_tables import Stack, client_of, stack
from support.clock import ManualClock
from support.lane import TENANT, Lane
from support.lane_fixtures import provider
from support.receiver import Receiver
from support.scripted_model.server import ScriptedModel
from upgrade.write_stored_state import CALLBACK_URL

__all__ = ["provider", "stack"]

STORED = sorted(Path(__file__).with_name("stored").glob("*.json"))

type Json = dict[str, Any]


@dataclass(slots=True)
class OldState:
    """A stored state, put into place, with everything of today that works on it.

    Attributes:
        content: what `write_stored_state` wrote, callbacks addressed to the receiver.
        lane: this version's intake, runner and sweeper; its clock stands where the old version's stopped.
    """

    content: Json
    lane: Lane
    receiver: Receiver

    def situation(self, name: str) -> Json:
        found: Json = self.content["situations"][name]
        return found

    def runs(self, name: str) -> list[Run]:
        """Return the runs of a situation as they are stored now."""
        database = self.lane.database
        return [run for run_id in self.situation(name)["run_ids"] if (run := database.runs.get(TENANT, run_id))]


@pytest.fixture(params=STORED, ids=lambda path: path.stem)
def old(request: pytest.FixtureRequest, stack: Stack, provider: ScriptedModel, receiver: Receiver) -> OldState:
    content: Json = json.loads(request.param.read_text().replace(CALLBACK_URL, receiver.url))
    put_into_place(stack, content)
    return OldState(content, Lane(stack, provider, ManualClock(datetime.fromisoformat(content["now"]))), receiver)


def put_into_place(stack: Stack, content: Json) -> None:
    """Store items, objects and queue messages exactly as they were written."""
    for table, items in content["tables"].items():
        for item in items:
            client_of("dynamodb").put_item(TableName=table, Item=item)
    for key, body in content["objects"].items():
        client_of("s3").put_object(Bucket=stack.values["PayloadBucket"], Key=key, Body=body.encode())
    for queue, bodies in (("RunQueue", content["run_queue"]), ("CallbackQueue", content["callback_queue"])):
        for body in bodies:
            client_of("sqs").send_message(QueueUrl=stack.values[queue], MessageBody=body)
