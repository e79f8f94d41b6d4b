"""A run that only a newer version understands waits for it: nothing is written, nothing is lost."""

import json
from typing import Any

import pytest

from support.aws_tables import client_of, stack
from support.lane import TENANT, Lane
from support.lane_fixtures import lane, provider

__all__ = ["lane", "provider", "stack"]

TRIES = 5


def test_run_with_an_unknown_field_waits_until_a_version_knows_it(lane: Lane) -> None:
    run = lane.accept("hello")
    key: Any = {"pk": {"S": f"{TENANT}#{run.id}"}, "sk": {"S": "request"}}
    table = client_of("dynamodb")
    item = table.get_item(TableName="RunsTable", Key=key)["Item"]
    newer = json.loads(item["payload"]["S"]) | {"a_field_of_tomorrow": 1}
    table.put_item(TableName="RunsTable", Item=item | {"payload": {"S": json.dumps(newer)}})

    before = lane.run(run)
    for _ in range(TRIES):
        with pytest.raises(TypeError, match="a_field_of_tomorrow"):
            lane.sweep()
    assert lane.run(run) == before
    assert lane.log == []
    assert lane.conversation.waiting == (run.id,)

    table.put_item(TableName="RunsTable", Item=item)
    lane.sweep()
    assert lane.run(run).status.value == "completed"
    lane.assert_settled([run])
