"""A receipt's units are those that the calls were charged, with no call made for the sake of counting."""

from typing import Any

import pytest
from botocore.client import BaseClient

from performance.data_path import DataPath
from performance.test_budgets import ANSWER, TOOL_CALL
from support.capacity_meter import CapacityMeter
from support.letta_sdk import plain_http
from support.scripted_model.answers import Reply
from support.scripted_model.server import ScriptedModel


@pytest.fixture
def told(meter: CapacityMeter, monkeypatch: pytest.MonkeyPatch) -> CapacityMeter:
    """Let the stack's answers tell what the meter computed, as DynamoDB's do; moto tells one unit a call."""
    make_metered_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's stubs leave it out

    def make_told_call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        answer = make_metered_call(client, operation, parameters)
        if "ReturnConsumedCapacity" in parameters:
            call = meter.calls[-1]
            answer["ConsumedCapacity"] = [{"CapacityUnits": call.write_units + call.read_units}]
        return answer

    monkeypatch.setattr(BaseClient, "_make_api_call", make_told_call)
    return meter


@pytest.mark.parametrize("answers", [[ANSWER], [TOOL_CALL, TOOL_CALL, ANSWER], [Reply("long " * 2_000)]])
def test_receipt_tells_the_units_that_were_charged(
    path: DataPath, told: CapacityMeter, provider: ScriptedModel, answers: list[Reply]
) -> None:
    agent_id = path.create_agent()
    provider.play(answers)
    told.clear()
    run = path.accept(agent_id, text="question " * 300, callback_url="https://example.com/hook")
    path.answer_doorbells()
    written, read, report = told.write_units, told.read_units, told.report()

    with plain_http("key-of-the-default-tenant") as client:
        units = client.get(f"/v1/runs/{run['id']}/receipt").raise_for_status().json()["dynamodb"]

    assert (units["write_units"], units["read_units"]) == (written, read), report
