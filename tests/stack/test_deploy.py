"""Runs in flight while a release is deployed that changes a layer alone: its versions take over, no run notices."""

import threading
from collections import Counter
from pathlib import Path

import pytest
from letta_client import Letta

from nightshift.version import VERSION
from stack.polling import wait_for, wait_until_all_ended
from support.local_stack import LocalStack, copy_working_tree
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
    local_stack: LocalStack, letta: Letta, provider: ScriptedModel, tmp_path: Path
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
    old_versions = versions_in_use(local_stack)
    copy_working_tree(tmp_path)
    version = tmp_path / "layers" / "nightshift" / "nightshift" / "version.py"
    version.write_text(version.read_text().replace(VERSION, f"{VERSION}.dev1"))

    local_stack.command("up", tmp_path)

    assert versions_in_use(local_stack) == {function: old + 1 for function, old in old_versions.items()}
    assert letta.health().version == f"{VERSION}.dev1"
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


def versions_in_use(local_stack: LocalStack) -> dict[str, int]:
    """Return the version of each function that its alias leads to; every invocation goes through the alias."""
    functions = local_stack.aws("lambda")
    return {
        name: int(functions.get_alias(FunctionName=name, Name="live")["FunctionVersion"])
        for name in (function["FunctionName"] for function in functions.list_functions()["Functions"])
    }
