"""Programs for a Letta server, unchanged but for address and key: one a SDK."""

import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from letta_client import Letta

from stack.conftest import SCRIPTS
from stack.polling import wait_until_ended
from stack.sdk_script import SCRIPT_SECONDS, run_script
from support.local_stack import LocalStack
from support.scripted_model.answers import Reply
from support.scripted_model.rules import after_delay
from support.scripted_model.server import ScriptedModel

EXPECTED = {
    "run": {
        "accepted": "created",
        "status": "completed",
        "stop_reason": "end_turn",
        "messages": ["user_message", "assistant_message"],
        "steps": ["success"],
        "total_tokens": 15,
    },
    "cancelled": "cancelled",
    "paged": {"posted": 250, "listed": 250, "both": 250},
    "deleted": True,
}

SLOW_MODEL_SECONDS = 8


@pytest.fixture
def models(provider: ScriptedModel) -> ScriptedModel:
    provider.play_for("sdk-script", rule=lambda _: Reply("Well then."))
    provider.play_for("sdk-slow", rule=after_delay(lambda _: Reply("At last."), SLOW_MODEL_SECONDS))
    return provider


@pytest.mark.timeout(SCRIPT_SECONDS + 60)
@pytest.mark.usefixtures("models")
def test_program_with_the_python_sdk_runs_unchanged(local_stack: LocalStack) -> None:
    found = run_script(local_stack, [sys.executable, str(SCRIPTS / "use_python_sdk.py")])

    assert_as_expected(found)


@pytest.mark.timeout(SCRIPT_SECONDS + 60)
@pytest.mark.usefixtures("models")
def test_program_with_the_npm_sdk_runs_unchanged(local_stack: LocalStack, node_scripts: Path) -> None:
    found = run_script(local_stack, ["node", str(node_scripts / "use_node_sdk.js")])

    assert_as_expected(found)


def test_ten_equal_posts_at_once_with_one_key_are_one_run_and_one_model_call(
    letta: Letta, provider: ScriptedModel
) -> None:
    provider.play_for("once", rule=after_delay(lambda _: Reply("Once."), 1))
    agent = letta.agents.create(model="openai/once")
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    with ThreadPoolExecutor(10) as clients:
        posts = [
            clients.submit(letta.agents.messages.create_async, agent.id, input="only once", extra_headers=headers)
            for _ in range(10)
        ]
    runs = [post.result() for post in posts]

    assert len({(run.id, run.created_at, run.agent_id) for run in runs}) == 1
    assert wait_until_ended(letta, runs[0].id).status == "completed"
    assert [run.id for run in letta.runs.list(agent_id=agent.id)] == [runs[0].id]
    assert len(provider.requests_of("once")) == 1


def assert_as_expected(found: dict[str, Any]) -> None:
    """Compare what a script found with what both should find."""
    conversation = found.pop("conversation")
    assert found == EXPECTED
    assert "assistant_message" in conversation["streamed"]
    assert conversation["stored"][-2:] == ["user_message", "assistant_message"]
    assert conversation["listed"]
