"""The history of an agent: always oldest first, cursors absolute in time (letta_api_spec §5.0)."""

import json
from typing import Any

import pytest

from intake.deployment import Deployment, Deployments
from intake.refusals import assert_refused
from support.scripted_model.answers import Reply
from support.scripted_model.server import ScriptedModel


class History:
    """Five turns of one agent: a system message, then question and answer in turn."""

    def __init__(self, deployments: Deployments) -> None:
        deployment = deployments.new()
        self.agent_id = deployment.create_agent().id
        with ScriptedModel(*(Reply(f"answer {number}") for number in range(5))) as provider:
            deployment.point_at(provider)
            for number in range(5):
                deployment.post(self.agent_id, f"question {number}")
            deployment.answer_doorbells()
        self.client, self.http = deployment.sdk(), deployment.http()
        self.messages: list[Any] = list(self.client.agents.messages.list(self.agent_id, limit=1_000).items)
        self.ids = [message.id for message in self.messages]

    def page(self, **query: Any) -> list[str]:
        """Return the ids of one page."""
        return [message.id for message in self.client.agents.messages.list(self.agent_id, **query).items]

    def all(self, **query: Any) -> list[str]:
        """Return the ids of all pages."""
        return [message.id for message in self.client.agents.messages.list(self.agent_id, **query)]


@pytest.fixture(scope="module")
def history(deployments: Deployments) -> History:
    return History(deployments)


def test_history_is_the_system_message_and_every_turn(history: History) -> None:
    texts = [message.content for message in history.messages]
    assert texts[1:] == [text for number in range(5) for text in (f"question {number}", f"answer {number}")]
    assert [message.message_type for message in history.messages[:3]] == [
        "system_message",
        "user_message",
        "assistant_message",
    ]


def test_newest_messages_come_oldest_first(history: History) -> None:
    assert history.page(limit=3) == history.ids[-3:]
    assert history.page(limit=1) == history.ids[-1:]
    assert history.page(limit=3, order="asc") == history.ids[:3]


def test_after_is_newer_whatever_the_order(history: History) -> None:
    for order in ("asc", "desc"):
        assert history.page(after=history.ids[4], order=order) == history.ids[5:]
        assert history.page(after=history.ids[-1], order=order) == []


def test_before_is_older_whatever_the_order(history: History) -> None:
    for order in ("asc", "desc"):
        assert history.page(before=history.ids[4], order=order) == history.ids[:4]
        assert history.page(before=history.ids[0], order=order) == []
    assert history.page(before=history.ids[4], limit=2) == history.ids[2:4]


def test_automatic_paging_of_the_newest_stops_after_one_page(history: History) -> None:
    assert history.all(limit=3) == history.ids[-3:]


def test_automatic_paging_goes_forward_through_all(history: History) -> None:
    assert history.all(limit=2, order="asc") == history.ids
    assert history.all(limit=2, after=history.ids[0]) == history.ids[1:]


def test_automatic_paging_goes_back_through_all(history: History) -> None:
    pages = history.client.agents.messages.list(history.agent_id, limit=4, before=history.ids[-1]).iter_pages()
    found = [[message.id for message in page.items] for page in pages]
    assert found[:3] == [history.ids[6:10], history.ids[2:6], history.ids[0:2]]
    assert found[3:] in ([], [[]])


def test_only_the_types_asked_for_are_shown(history: History) -> None:
    answers = history.ids[2::2]
    assert history.page(include_return_message_types=["assistant_message"]) == answers
    assert history.page(include_return_message_types=["assistant_message"], limit=2) == answers[-2:]
    assert history.all(include_return_message_types=["assistant_message"], order="asc", limit=1) == answers
    assert history.page(include_return_message_types=["summary_message"]) == []
    both = history.page(include_return_message_types=["assistant_message", "user_message"])
    assert both == history.ids[1:]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "order=up", "include_return_message_types=telegram"])
def test_query_out_of_range_is_refused(history: History, query: str) -> None:
    assert_refused(history.http.get(f"/v1/agents/{history.agent_id}/messages?{query}"), 422)


def test_next_run_sees_the_history(deployment: Deployment, provider: ScriptedModel) -> None:
    agent = deployment.create_agent()
    for text in ("My name is Bob", "What is my name?"):
        deployment.post(agent.id, text)
        deployment.answer_doorbells()
    last: Any = deployment.sdk().agents.messages.list(agent.id, limit=1).items[0]
    assert json.loads(last.content) == {"user_messages": ["My name is Bob", "What is my name?"]}
