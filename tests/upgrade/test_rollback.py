"""A run that only a newer version understands is not half executed by an older one."""

import json
from typing import Any

import pytest

from nightshift.domain.run import MAX_STARTS_WITHOUT_PROGRESS
from support.aws_tables import client_of, stack
from support.lane import TENANT, Lane
from support.lane_fixtures import lane, provider

__all__ = ["lane", "provider", "stack"]


def test_run_with_an_unknown_field_completes_if_a_version_that_knows_it_is_back_in_time(lane: Lane) -> None:
    run = lane.accept("hello")
    key: Any = {"pk": {"S": f"{TENANT}#{run.id}"}, "sk": {"S": "request"}}
    table = client_of("dynamodb")
    item = table.get_item(TableName="RunsTable", Key=key)["Item"]
    newer = json.loads(item["payload"]["S"]) | {"a_field_of_tomorrow": 1}
    table.put_item(TableName="RunsTable", Item=item | {"payload": {"S": json.dumps(newer)}})

    for _ in range(MAX_STARTS_WITHOUT_PROGRESS - 1):
        with pytest.raises(TypeError, match="a_field_of_tomorrow"):
            lane.sweep()
    assert lane.log == []

    table.put_item(TableName="RunsTable", Item=item)
    lane.sweep()
    assert lane.texts()[0] == "user: hello"
    assert lane.run(run).status.value == "completed"
    lane.assert_settled([run])
