"""Runs in flight while the stack is deployed again: every function is replaced, every run comes to its end once."""

import threading
from collections import Counter

import pytest
from letta_client import Letta

from stack.polling import wait_for, wait_until_all_ended
from support.local_stack import LocalStack
from support.scripted_model.answers import Call, Reply
from support.scripted_model.rules import after_delay
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

AGENTS = 3
RUNS_PER_AGENT = 2
TOOL = '''
def look(place: str) -> str:
    """Look there.

    Args:
        place: where.
    """
    return f"nothing at {place}"
'''


@pytest.mark.timeout(600)
def test_runs_in_flight_complete_once_over_a_deploy(
    local_stack: LocalStack, letta: Letta, provider: ScriptedModel
) -> None:
    deployed = threading.Event()

    def look_until_deployed(seen: SeenRequest) -> Reply:
        """Keep the first runs at their tool calls, as long runs of many slices, until the new version is there."""
        return Reply("Done.") if deployed.is_set() else Reply(tool_calls=(Call("look", '{"place": "home"}'),))

    provider.play_for("deployed", rule=after_delay(look_until_deployed, 1))
    tool = letta.tools.create(source_code=TOOL)
    agents = [letta.agents.create(model="openai/deployed", tool_ids=[tool.id]).id for _ in range(AGENTS)]
    run_ids = [
        letta.agents.messages.create_async(agent_id, input=f"message {number}", max_steps=500).id
        for agent_id in agents
        for number in range(RUNS_PER_AGENT)
    ]
    wait_for(lambda: len(provider.requests_of("deployed")) > 2 * AGENTS or None, 90, "steps of every agent")
    old_configuration = configuration_of(local_stack)

    local_stack.command("up", LogLevel="DEBUG")

    assert configuration_of(local_stack) != old_configuration
    asked_before = len(provider.requests_of("deployed"))
    wait_for(
        lambda: len(provider.requests_of("deployed")) >= asked_before + AGENTS or None, 90, "steps after the deploy"
    )
    deployed.set()
    ended = wait_until_all_ended(letta, run_ids, 240)
    assert [run.status for run in ended] == ["completed"] * len(run_ids)
    for agent_id in agents:
        assert_complete_and_once(letta, agent_id)


def assert_complete_and_once(letta: Letta, agent_id: str) -> None:
    """Check the agent's history and steps: in order, every call with one return, nothing twice."""
    history = [message.model_dump() for message in letta.agents.messages.list(agent_id, order="asc", limit=100)][1:]
    said = [shown["content"] for shown in history if shown["message_type"] in {"user_message", "assistant_message"}]
    assert said == ["message 0", "Done.", "message 1", "Done."]
    assert max(Counter(shown["id"] for shown in history).values()) == 1
    calls = [call["tool_call_id"] for shown in history for call in shown.get("tool_calls") or []]
    returns = [given["tool_call_id"] for shown in history for given in shown.get("tool_returns") or []]
    assert calls == returns
    assert len(set(calls)) == len(calls) > 0
    steps = [step.id for run in letta.runs.list(agent_id=agent_id) for step in letta.runs.steps.list(run.id, limit=100)]
    assert len(set(steps)) == len(steps) == len(calls) + RUNS_PER_AGENT


def configuration_of(local_stack: LocalStack) -> object:
    """Return the runner's settings, which a deploy replaces together with its processes."""
    name = local_stack.output("QueueRunnerFunctionName")
    return local_stack.aws("lambda").get_function_configuration(FunctionName=name)["Environment"]
