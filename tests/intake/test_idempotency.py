"""A request that its client gave a name becomes no second run (promise 9; docs/adr/0011-idempotency.md)."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from intake.deployment import Deployment
from intake.refusals import assert_refused, read_json
from intake.repetitions import Json, Send, count_runs, hands, ids_of, send
from support.scripted_model.server import ScriptedModel

__all__ = ["hands", "send"]

OTIDS: Json = {"messages": [{"role": "user", "content": text, "otid": f"otid-{text}"} for text in ("a", "b")]}


def test_same_key_and_body_is_the_same_run(deployment: Deployment, send: Send) -> None:
    first, second = (send(idempotency_key="order-17") for _ in range(2))
    assert read_json(first) == read_json(second)
    assert count_runs(deployment) == 1
    assert len(deployment.stack.messages("RunQueue")) == 1


def test_same_key_finds_the_run_as_it_is_now(deployment: Deployment, send: Send, provider: ScriptedModel) -> None:
    body = {"input": "hello", "callback_url": "https://hooks.example.org/letta"}
    (run_id,) = ids_of(send(body, idempotency_key="order-17"))
    deployment.answer_doorbells()
    again = send(body, idempotency_key="order-17")
    assert read_json(again) == read_json(deployment.http().get(f"/v1/runs/{run_id}"))
    assert read_json(again)["status"] == "completed"
    assert len(provider.requests) == 1


def test_same_key_and_other_body_is_a_conflict_that_nobody_repeats(deployment: Deployment, send: Send) -> None:
    (run_id,) = ids_of(send(idempotency_key="order-17"))
    with deployment.writes_nothing():
        response = send({"input": "goodbye"}, idempotency_key="order-17")
    assert_refused(response, 409)
    assert response.headers["x-should-retry"] == "false"
    assert run_id in read_json(response)["detail"]


def test_other_keys_agents_and_tenants_are_other_requests(deployment: Deployment, send: Send) -> None:
    other_path = f"/v1/agents/{deployment.create_agent().id}/messages/async"
    stranger = deployment.stranger
    strange_path = f"/v1/agents/{stranger.create_agent().id}/messages/async"
    headers = {"Idempotency-Key": "order-17"}
    responses = [
        send(idempotency_key="order-17"),
        send(idempotency_key="order-18"),
        send(),
        deployment.http().post(other_path, json={"input": "hello"}, headers=headers),
        stranger.http().post(strange_path, json={"input": "hello"}, headers=headers),
    ]
    assert len(set(ids_of(*responses))) == 5


@pytest.mark.parametrize(
    "body",
    [
        b'{"input":"hello","max_steps":50}',
        b'{ "input" : "hell\\u006f", "unknown": 1 }',
        b'{"messages": null, "input": "hello", "max_steps": 50}',
    ],
)
def test_spelling_of_a_body_does_not_matter(deployment: Deployment, body: bytes) -> None:
    http, path = deployment.http(), f"/v1/agents/{deployment.create_agent().id}/messages/async"
    headers = {"Idempotency-Key": "order-17", "content-type": "application/json"}
    responses = [http.post(path, content=content, headers=headers) for content in (b'{"input": "hello"}', body)]
    assert len(set(ids_of(*responses))) == 1


@pytest.mark.parametrize(
    "body",
    [
        {"input": "hello", "max_steps": 49},
        {"input": "hello "},
        {"input": [{"type": "text", "text": "hello"}]},
        {"messages": [{"role": "user", "content": "hello"}]},
        {"input": "hello", "callback_url": "https://hooks.example.org/letta"},
        {"input": "hello", "client_tools": [{"name": "look"}]},
    ],
    ids=json.dumps,
)
def test_other_meaning_of_a_body_matters(send: Send, body: Json) -> None:
    ids_of(send(idempotency_key="order-17"))
    assert send(body, idempotency_key="order-17").status_code == 409


@pytest.mark.parametrize("key", [b"", b" ", b"a b", b"x" * 257, "schlüssel".encode(), b"a\x7f"])
def test_key_that_is_none_is_refused(deployment: Deployment, key: bytes) -> None:
    path = f"/v1/agents/{deployment.create_agent().id}/messages/async"
    with deployment.tries_no_write():
        response = deployment.http().post(path, json={"input": "hello"}, headers={b"Idempotency-Key": key})
    assert_refused(response, 422)
    assert read_json(response)["detail"][0]["loc"] == ["header", "idempotency-key"]


@pytest.mark.parametrize("key", ["x", "x" * 256, "!~#/\\\"'{}", "7f9c2ba4-e88f-827d-6160-45507605853e"])
def test_key_is_any_visible_text(send: Send, key: str) -> None:
    assert len(set(ids_of(send(idempotency_key=key), send(idempotency_key=key)))) == 1


def test_key_is_forgotten_after_a_day_whether_its_item_is_still_there(send: Send, hands: list[timedelta]) -> None:
    first = send(idempotency_key="order-17")
    hands[0] = timedelta(hours=23, minutes=59)
    second = send(idempotency_key="order-17")
    hands[0] = timedelta(hours=24, seconds=2)
    third, fourth = send({"input": "goodbye"}, idempotency_key="order-17"), send(idempotency_key="order-17")
    assert ids_of(second) == ids_of(first)
    assert ids_of(third) != ids_of(first)
    assert fourth.status_code == 409


def test_refused_request_leaves_its_key_free(deployment: Deployment, send: Send) -> None:
    assert send({"input": ""}, idempotency_key="order-17").status_code == 422
    assert send({"input": "x", "override_model": "acme/x"}, idempotency_key="order-17").status_code == 404
    assert count_runs(deployment) == 0
    ids_of(send({"input": "at last"}, idempotency_key="order-17"))


def test_key_of_a_deleted_agent_leads_nowhere(deployment: Deployment) -> None:
    agent = deployment.create_agent()
    deployment.sdk().agents.delete(agent.id)
    with deployment.writes_nothing():
        response = deployment.http().post(
            f"/v1/agents/{agent.id}/messages/async", json={"input": "x"}, headers={"Idempotency-Key": "order-17"}
        )
    assert_refused(response, 404, "Agent not found")


def test_repetition_finds_its_run_although_the_queue_is_full(deployment: Deployment) -> None:
    agent_id = deployment.create_agent().id
    options: Any = {"extra_headers": {"Idempotency-Key": "order-17"}}
    run = deployment.post(agent_id, **options)
    deployment.fill_queue(agent_id)
    assert deployment.post(agent_id, **options) == run


def test_large_request_is_stored_once_however_often_it_is_sent(deployment: Deployment, send: Send) -> None:
    body = {"input": "x" * 200_000}
    first, second = send(body, idempotency_key="order-17"), send(body, idempotency_key="order-17")
    assert ids_of(first) == ids_of(second)
    assert len(deployment.objects()) == 1


def test_accepting_with_a_key_costs_no_further_call(deployment: Deployment, send: Send) -> None:
    deployment.stack.calls.clear()
    ids_of(send(idempotency_key="order-17"))
    assert [call.operation for call in deployment.stack.calls] == ["TransactWriteItems", "SendMessage"]


def test_item_of_a_key_expires_by_itself(deployment: Deployment, send: Send) -> None:
    ids_of(send(idempotency_key="order-17"))
    (item,) = [item for item in deployment.items("RunsTable") if item["sk"]["S"] == "idempotency"]
    in_a_day = datetime.now(UTC) + timedelta(days=1)
    assert abs(int(item["expires_at"]["N"]) - in_a_day.timestamp()) < 60
    table = deployment.stack.template["Resources"]["RunsTable"]["Properties"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_ten_requests_at_once_with_one_key_are_one_run(deployment: Deployment, provider: ScriptedModel) -> None:
    agent_id = deployment.create_agent().id
    options: Any = {"extra_headers": {"Idempotency-Key": "order-17"}}
    with ThreadPoolExecutor(10) as threads:
        runs = list(threads.map(lambda _: deployment.post(agent_id, **options), range(10)))
    deployment.answer_doorbells()
    assert all(run == runs[0] for run in runs)
    assert count_runs(deployment) == 1
    assert len(provider.requests) == 1


def test_same_otids_and_body_is_the_same_run(deployment: Deployment, send: Send) -> None:
    assert len(set(ids_of(*(send(OTIDS) for _ in range(4))))) == 1
    assert count_runs(deployment) == 1


def test_same_otids_and_other_words_are_another_request(send: Send) -> None:
    other = {"messages": [message | {"content": "other"} for message in OTIDS["messages"]]}
    turned = {"messages": OTIDS["messages"][::-1]}
    assert len(set(ids_of(send(OTIDS), send(other), send(turned)))) == 3


def test_one_message_without_an_otid_makes_every_request_a_new_one(send: Send) -> None:
    body = {"messages": [*OTIDS["messages"], {"role": "user", "content": "c"}]}
    assert len(set(ids_of(send(body), send(body)))) == 2


def test_answer_with_an_otid_is_taken_once(send: Send) -> None:
    returns = [{"tool_call_id": "call_1", "tool_return": "done", "status": "success"}]
    body = {"messages": [{"type": "tool_return", "tool_returns": returns, "otid": "otid-1"}]}
    send({"input": "a run that may ask for it"})
    assert len(set(ids_of(send(body), send(body)))) == 1


def test_key_wins_over_otids(send: Send) -> None:
    responses = [send(OTIDS), send(OTIDS, idempotency_key="1"), send(OTIDS, idempotency_key="2"), send(OTIDS)]
    first, one, two, again = ids_of(*responses)
    assert len({first, one, two}) == 3
    assert again == first
