"""Steps through the official SDK: lists, metrics, messages and feedback (letta_api_spec §5.2)."""

from typing import Any, Literal

import pytest
from letta_client import BadRequestError, NotFoundError
from letta_client.types import Step

from intake.deployment import UNKNOWN_MESSAGE, UNKNOWN_STEP, Deployments
from intake.executed_runs import THINKING_STEP, execute
from intake.refusals import assert_refused
from support.scripted_model.answers import Reply
from support.scripted_model.server import ScriptedModel


class TwoRuns:
    """Two agents with a run each, of three steps and of one."""

    def __init__(self, deployments: Deployments) -> None:
        self.deployment = deployments.new()
        with ScriptedModel() as provider:
            self.deployment.point_at(provider)
            self.first = execute(self.deployment, provider, THINKING_STEP, THINKING_STEP, Reply("Done."))
            self.second = execute(self.deployment, provider, Reply("At once."))
        self.client = self.deployment.sdk()
        by_number = [self.client.runs.steps.list(run.id, order="asc").items for run in (self.first, self.second)]
        self.ids = [step.id for steps in by_number for step in steps]


@pytest.fixture(scope="module")
def two(deployments: Deployments) -> TwoRuns:
    return TwoRuns(deployments)


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 3, 100])
def test_automatic_paging_gives_every_step_in_order(two: TwoRuns, order: Literal["asc", "desc"], limit: int) -> None:
    found = [step.id for step in two.client.steps.list(order=order, limit=limit)]
    assert found == (two.ids if order == "asc" else two.ids[::-1])


def test_before_gives_the_nearest_ones_in_the_order_asked_for(two: TwoRuns) -> None:
    found = two.client.steps.list(order="asc", before=two.ids[3], limit=2).items
    assert [step.id for step in found] == two.ids[1:3]
    found = two.client.steps.list(before=two.ids[0], limit=2).items
    assert [step.id for step in found] == two.ids[2:0:-1]


def test_filters_leave_out_what_does_not_match(two: TwoRuns) -> None:
    def count(**query: Any) -> int:
        return len(two.client.steps.list(**query).items)

    assert count() == 4
    assert count(agent_id=two.first.agent_id) == 3
    assert count(model="scripted") == count(model="openai/scripted") == 4
    assert count(model="other") == 0
    assert count(start_date="2020-01-01T00:00:00", end_date="2100-01-01T00:00:00Z") == 4
    assert count(start_date="2100-01-01T00:00:00Z") == count(end_date="2020-01-01T00:00:00Z") == 0
    assert count(trace_ids=["t"]) == count(project_id="p") == 0


def test_step_is_shown_with_its_times_and_messages(two: TwoRuns) -> None:
    step_id = two.ids[0]
    step = two.client.steps.retrieve(step_id)
    assert (step.id, step.run_id, step.total_tokens) == (step_id, two.first.id, 120)
    metrics = two.client.steps.metrics.retrieve(step_id)
    assert metrics.run_id == two.first.id
    assert metrics.llm_request_ns
    messages = two.client.steps.messages.list(step_id).items
    assert [message.message_type for message in messages] == [
        "user_message",
        "reasoning_message",
        "assistant_message",
        "tool_call_message",
        "tool_return_message",
    ]
    assert [m.id for m in two.client.steps.messages.list(step_id, limit=1)] == [message.id for message in messages]


def test_feedback_is_kept_found_and_forgotten(two: TwoRuns) -> None:
    step_id = two.ids[1]

    def ids(**query: Any) -> list[str]:
        return [step.id for step in two.client.steps.list(**query).items]

    given = Step.model_validate(two.client.steps.feedback.create(step_id, feedback="negative", tags=["slow"]).to_dict())
    assert (given.feedback, given.tags) == ("negative", ["slow"])
    assert two.client.steps.retrieve(step_id) == given
    assert ids(feedback="negative") == ids(tags=["slow", "x"]) == ids(has_feedback=True) == [step_id]
    assert ids(feedback="positive") == []
    two.client.steps.feedback.create(step_id)
    assert ids(has_feedback=True) == []
    assert two.client.steps.retrieve(step_id).tags == []


PARTS = [("GET", ""), ("GET", "/metrics"), ("GET", "/messages"), ("PATCH", "/feedback")]


@pytest.mark.parametrize(("method", "part"), PARTS)
def test_steps_that_are_none_are_refused(two: TwoRuns, method: str, part: str) -> None:
    http, stranger = two.deployment.http(), two.deployment.stranger.http()
    with two.deployment.tries_no_write():
        for malformed in ("1", "step-1", two.first.id, two.ids[0].upper()):
            assert_refused(http.request(method, f"/v1/steps/{malformed}{part}", json={}), 422)
        assert_refused(http.request(method, f"/v1/steps/{UNKNOWN_STEP}{part}", json={}), 404)
        assert_refused(stranger.request(method, f"/v1/steps/{two.ids[0]}{part}", json={}), 404)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=1001", "order=up", "agent_id=1", "feedback=good", "start_date=yesterday", "has_feedback=maybe"],
)
def test_bad_queries_are_refused(two: TwoRuns, query: str) -> None:
    with two.deployment.tries_no_write():
        assert_refused(two.deployment.http().get(f"/v1/steps/?{query}"), 422)


@pytest.mark.parametrize("body", [{"feedback": "good"}, {"tags": "slow"}, {"tags": [1]}, [], None])
def test_bad_feedback_is_refused(two: TwoRuns, body: Any) -> None:
    with two.deployment.tries_no_write():
        assert_refused(two.deployment.http().patch(f"/v1/steps/{two.ids[0]}/feedback", json=body), 422)


def test_unknown_cursors_are_not_found(two: TwoRuns) -> None:
    for cursor in (UNKNOWN_STEP, "step-1", UNKNOWN_MESSAGE):
        with pytest.raises(NotFoundError):
            two.client.steps.list(after=cursor)
    with pytest.raises(NotFoundError):
        two.client.steps.messages.list(two.ids[0], after=UNKNOWN_MESSAGE)
    with pytest.raises(BadRequestError):
        two.client.steps.list(after=two.ids[0], before=two.ids[1])
