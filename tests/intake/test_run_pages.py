"""Pages of a run's messages and steps: order, cursors, limits (letta_api_spec §5.0)."""

from typing import Any, Literal

import pytest
from letta_client import NotFoundError

from intake.deployment import UNKNOWN_MESSAGE, UNKNOWN_STEP, Deployment, Deployments
from intake.executed_runs import THINKING_STEP, execute
from intake.refusals import assert_refused
from support.scripted_model.answers import Reply
from support.scripted_model.server import ScriptedModel

type Order = Literal["asc", "desc"]

BOTH_ORDERS = pytest.mark.parametrize("order", ["asc", "desc"])


class ManySteps:
    """A run of seven steps with 14 stored messages."""

    def __init__(self, deployments: Deployments, **fields: Any) -> None:
        deployment = deployments.new()
        with ScriptedModel() as provider:
            deployment.point_at(provider)
            self.run = execute(deployment, provider, *[THINKING_STEP] * 6, Reply("Done."), **fields)
        self.http = deployment.http()
        self.client = deployment.sdk()
        self.message_ids = list(dict.fromkeys(m.id for m in self.client.runs.messages.list(self.run.id).items))
        self.step_ids = [step.id for step in self.client.runs.steps.list(self.run.id, order="asc").items]


@pytest.fixture(scope="module")
def many(deployments: Deployments) -> ManySteps:
    return ManySteps(deployments)


@pytest.fixture(scope="module")
def many_returns(deployments: Deployments) -> ManySteps:
    """The same, of which only the returns are shown."""
    return ManySteps(deployments, include_return_message_types=["tool_return_message"])


@BOTH_ORDERS
@pytest.mark.parametrize("limit", [1, 2, 4])
def test_paging_goes_on_where_no_message_is_of_the_types_asked_for(
    many_returns: ManySteps, order: Order, limit: int
) -> None:
    found = many_returns.client.runs.messages.list(many_returns.run.id, limit=limit, order=order)
    assert [message.message_type for message in found] == ["tool_return_message"] * 6


@BOTH_ORDERS
@pytest.mark.parametrize("limit", [1, 4, 100])
def test_automatic_paging_gives_every_part_of_every_message(many: ManySteps, order: Order, limit: int) -> None:
    found = list(many.client.runs.messages.list(many.run.id, limit=limit, order=order))
    ids = list(dict.fromkeys(message.id for message in found))
    assert ids == (many.message_ids if order == "asc" else many.message_ids[::-1])
    assert len(found) == 1 + 6 * 4 + 1
    assert len({message.otid for message in found}) == len(found)


@BOTH_ORDERS
def test_message_cursors_follow_the_order(many: ManySteps, order: Order) -> None:
    expected = many.message_ids if order == "asc" else many.message_ids[::-1]

    def ids(**query: Any) -> list[str]:
        found = many.client.runs.messages.list(many.run.id, order=order, **query)
        return list(dict.fromkeys(message.id for message in found))

    assert ids(after=expected[4], limit=2) == expected[5:]
    assert set(ids(before=expected[4], limit=2)) == set(expected[:4])
    first_page = many.client.runs.messages.list(many.run.id, order=order, before=expected[4], limit=2).items
    assert list(dict.fromkeys(message.id for message in first_page)) == expected[2:4]


@BOTH_ORDERS
def test_automatic_paging_gives_every_step(many: ManySteps, order: Order) -> None:
    expected = many.step_ids if order == "asc" else many.step_ids[::-1]
    steps = many.client.runs.steps
    assert len(expected) == 7
    assert [step.id for step in steps.list(many.run.id, limit=2, order=order)] == expected
    assert [step.id for step in steps.list(many.run.id, limit=2, order=order, after=expected[2])] == expected[3:]
    page = steps.list(many.run.id, limit=2, order=order, before=expected[4]).items
    assert [step.id for step in page] == expected[2:4]
    assert steps.list(many.run.id, order=order, after=expected[-1]).items == []


@BOTH_ORDERS
def test_page_ends_before_it_is_too_large_for_an_answer(
    deployment: Deployment, provider: ScriptedModel, order: Order
) -> None:
    texts = [letter * 1_500_000 for letter in "abc"]
    provider.play([Reply("Done.")])
    run = deployment.sdk().agents.messages.create_async(
        deployment.create_agent().id, messages=[{"role": "user", "content": text} for text in texts]
    )
    deployment.answer_doorbells()
    messages = deployment.sdk().runs.messages
    found: list[Any] = list(messages.list(run.id, order=order))
    expected = [*texts, "Done."]
    assert [message.content for message in found] == (expected if order == "asc" else expected[::-1])
    page: list[Any] = messages.list(run.id, order=order, before=found[-1].id).items
    assert [message.id for message in page] == [message.id for message in found[:-1]][-len(page) :]


def test_steps_come_newest_first(many: ManySteps) -> None:
    assert [step.id for step in many.client.runs.steps.list(many.run.id).items] == many.step_ids[::-1]


@pytest.mark.parametrize("cursor", ["after", "before"])
@pytest.mark.parametrize("malformed", ["x", "message-1", "step-1", UNKNOWN_MESSAGE, UNKNOWN_STEP, "x" * 3_000])
def test_unknown_cursor_is_not_found(many: ManySteps, cursor: str, malformed: str) -> None:
    run = many.run
    for path in (f"/v1/runs/{run.id}/messages", f"/v1/runs/{run.id}/steps", f"/v1/agents/{run.agent_id}/messages"):
        assert_refused(many.http.get(path, params={cursor: malformed}), 404)


def test_step_of_another_run_is_no_cursor(deployment: Deployment, provider: ScriptedModel) -> None:
    first = execute(deployment, provider, Reply("Done."))
    second = execute(deployment, provider, Reply("Done."))
    step = deployment.sdk().runs.steps.list(first.id).items[0]
    with pytest.raises(NotFoundError):
        deployment.sdk().runs.steps.list(second.id, after=step.id)
