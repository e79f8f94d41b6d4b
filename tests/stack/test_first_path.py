"""One background run over HTTP on the deployed template, IAM enforced."""

import itertools
import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from letta_client import AuthenticationError, Letta
from letta_client.types.agents.run import Run
from standardwebhooks import Webhook

from stack.polling import wait_for, wait_until_all_ended, wait_until_ended
from support.local_stack import LocalStack
from support.receiver import Receiver
from support.scripted_model.answers import Reply
from support.scripted_model.rules import after_delay, answer_after_tool_calls, echo_history
from support.scripted_model.server import ScriptedModel

AUTOSAVE_SECONDS = 6
"""The embedded AWS keeps its state every two seconds; three times that is enough on a busy machine."""


def test_run_completes_and_its_signed_callback_says_the_same(
    local_stack: LocalStack, letta: Letta, receiver: Receiver
) -> None:
    agent = letta.agents.create(model="openai/first-path", name="First path")
    accepted = letta.agents.messages.create_async(agent.id, input="good evening", callback_url=receiver.url)
    assert accepted.status == "created"

    run = wait_until_ended(letta, accepted.id)

    assert (run.status, run.stop_reason) == ("completed", "end_turn")
    messages = letta.runs.messages.list(run.id).items
    assert [message.message_type for message in messages] == ["user_message", "assistant_message"]
    assert [step.status for step in letta.runs.steps.list(run.id)] == ["success"]
    assert letta.runs.usage.retrieve(run.id).total_tokens == 15
    request = wait_for(lambda: next(iter(receiver.requests), None), 30, "callback")
    Webhook(local_stack.description["callback_secret"]).verify(request.body, request.headers)
    body = json.loads(request.body)
    assert (body["run_id"], body["status"]) == (run.id, "completed")
    recorded = wait_for(lambda: _announced(letta, run.id), 10, "recorded attempt")
    assert recorded.callback_status_code == 200


def test_bedrock_answers_with_the_functions_role_and_no_key(letta: Letta) -> None:
    agent = letta.agents.create(model="bedrock/amazon.nova-lite-v1:0")
    run = letta.agents.messages.create_async(agent.id, input="hello")

    assert wait_until_ended(letta, run.id).status == "completed"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}])
def test_request_without_a_known_token_is_unauthorized(local_stack: LocalStack, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{local_stack.description['base_url']}/v1/agents/", headers=headers)

    assert (answer.status_code, answer.json()) == (401, {"detail": "Unauthorized"})


def test_sdk_sees_a_wrong_key_as_authentication_error(local_stack: LocalStack) -> None:
    with pytest.raises(AuthenticationError):
        Letta(base_url=local_stack.description["base_url"], api_key="wrong").agents.list()


@pytest.mark.parametrize("path", ["/v1/health", "/v1/health/"])
def test_health_needs_no_token(local_stack: LocalStack, path: str) -> None:
    answer = httpx.get(f"{local_stack.description['base_url']}{path}")

    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"


def test_twenty_posts_at_once_run_one_after_another_each_seeing_those_before(
    letta: Letta, provider: ScriptedModel
) -> None:
    provider.play_for("twenty", rule=echo_history)
    agent = letta.agents.create(model="openai/twenty")
    with ThreadPoolExecutor(20) as clients:
        posts = [
            clients.submit(letta.agents.messages.create_async, agent.id, input=f"message {number}")
            for number in range(20)
        ]
    run_ids = [post.result().id for post in posts]

    runs = wait_until_all_ended(letta, run_ids, 120)

    assert [run.status for run in runs] == ["completed"] * 20
    seen = sorted((request.texts_of("user") for request in provider.requests_of("twenty")), key=len)
    assert [len(texts) for texts in seen] == list(range(1, 21))
    for earlier, later in itertools.pairwise(seen):
        assert later[: len(earlier)] == earlier
    assert sorted(seen[-1]) == sorted(f"message {number}" for number in range(20))


def test_run_that_outlives_its_slice_finishes_through_step_functions(
    local_stack: LocalStack, letta: Letta, provider: ScriptedModel
) -> None:
    provider.play_for("long", rule=after_delay(answer_after_tool_calls(6), 0.5))
    agent = letta.agents.create(model="openai/long")
    accepted = letta.agents.messages.create_async(agent.id, input="take your time")

    run = wait_until_ended(letta, accepted.id)

    assert (run.status, run.stop_reason) == ("completed", "end_turn")
    assert len(letta.runs.steps.list(run.id).items) == 7
    executions = local_stack.aws("stepfunctions").list_executions(stateMachineArn=local_stack.output("LongRunArn"))
    names = [execution["name"] for execution in executions["executions"]]
    assert any(name.startswith(run.id) for name in names)
    states = wait_for(lambda: _states_of(local_stack, run.id), 20, "end of the execution")
    assert states.count("Slice") >= 2


def test_sigkill_of_every_function_process_loses_and_repeats_nothing(
    local_stack: LocalStack, letta: Letta, provider: ScriptedModel
) -> None:
    provider.play_for("killed", rule=after_delay(lambda seen: Reply(f"answer to {seen.texts_of('user')[-1]}"), 2))
    agents = [letta.agents.create(model="openai/killed") for _ in range(10)]
    runs = [letta.agents.messages.create_async(agent.id, input=f"of {agent.id}") for agent in agents]
    wait_for(lambda: len(provider.requests_of("killed")) >= 10 or None, 60, "ten model calls in flight")

    killed = local_stack.kill_function_processes()

    assert killed > 0
    ended = wait_until_all_ended(letta, [run.id for run in runs], 240)
    assert [run.status for run in ended] == ["completed"] * 10
    for agent in agents:
        messages = letta.agents.messages.list(agent.id, order="asc").items[1:]
        contents = [message.model_dump()["content"] for message in messages]
        assert contents == [f"of {agent.id}", f"answer to of {agent.id}"]


def test_agents_and_runs_outlive_a_sigkill_of_the_embedded_aws(local_stack: LocalStack, letta: Letta) -> None:
    agent = letta.agents.create(model="openai/survivor", name="Survivor")
    run = letta.agents.messages.create_async(agent.id, input="remember me")
    wait_until_ended(letta, run.id)
    time.sleep(AUTOSAVE_SECONDS)

    local_stack.kill_emulator()
    local_stack.command("up")

    assert letta.agents.retrieve(agent.id).name == "Survivor"
    assert letta.runs.retrieve(run.id).status == "completed"
    again = letta.agents.messages.create_async(agent.id, input="still there?")
    assert wait_until_ended(letta, again.id, 120).status == "completed"


def _announced(letta: Letta, run_id: str) -> Run | None:
    run = letta.runs.retrieve(run_id)
    return run if run.callback_sent_at else None


def _states_of(local_stack: LocalStack, run_id: str) -> list[str] | None:
    client = local_stack.aws("stepfunctions")
    executions = client.list_executions(stateMachineArn=local_stack.output("LongRunArn"))["executions"]
    (execution,) = [found for found in executions if found["name"].startswith(run_id)]
    if execution["status"] == "RUNNING":
        return None
    assert execution["status"] == "SUCCEEDED"
    events = client.get_execution_history(executionArn=execution["executionArn"])["events"]
    details = [event.get("stateEnteredEventDetails") for event in events]
    return [detail["name"] for detail in details if detail]
