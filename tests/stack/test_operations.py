"""Operators' commands on the embedded AWS: pause, resume, bulk cancel, replay, and the receipt of what ran."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from letta_client import Letta

from stack.polling import wait_for
from support.local_stack import ROOT, LocalStack
from support.receiver import running_receiver


def operate(stack: LocalStack, command: str, *arguments: str) -> str:
    """Run one of ops/operate as make does; return what it printed."""
    script = Path("ops", "operate", f"{command}.py")
    paths = {"PYTHONPATH": str(ROOT / "layers" / "nightshift"), "POWERTOOLS_LOG_LEVEL": "WARNING"}
    result = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, str(script), *arguments, "--home", str(stack.home)],
        cwd=ROOT,
        env={**stack.environment, **paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def wait_until(holds: Callable[[], bool], what: str, limit_seconds: float) -> None:
    wait_for(lambda: True if holds() else None, limit_seconds, what)


def get(stack: LocalStack, path: str) -> Any:
    described = stack.description
    headers = {"Authorization": f"Bearer {described['api_key']}"}
    return httpx.get(f"{described['base_url']}{path}", headers=headers).raise_for_status().json()


def test_operations_on_one_tenant(local_stack: LocalStack, letta: Letta) -> None:
    agent = letta.agents.create(model="openai/scripted", system="Be brief.")

    def post(**fields: Any) -> str:
        return letta.agents.messages.create_async(agent.id, input="hello", **fields).id

    def status(run_id: str) -> str:
        return str(letta.runs.retrieve(run_id).status)

    # Execution paused: accepted, not executed; some are cancelled in bulk, the other goes on at the resume.
    operate(local_stack, "pause", "pause", "default", "execution")
    cancelled = [post(), post()]
    assert "would cancel 2 runs" in operate(local_stack, "cancel_runs", "default", "--agent", agent.id)
    assert {status(run) for run in cancelled} == {"created"}
    assert "cancelled   2 of 2" in operate(local_stack, "cancel_runs", "default", "--agent", agent.id, "--confirm")
    assert {status(run) for run in cancelled} == {"cancelled"}

    with running_receiver() as receiver:
        kept = post(callback_url=receiver.url)
        assert "rung" in operate(local_stack, "pause", "resume", "default", "execution")
        wait_until(lambda: status(kept) == "completed", "the run to be executed after the resume", 60)
        wait_until(lambda: len(receiver.requests) == 1, "its callback", 30)
        wait_until(lambda: get(local_stack, f"/v1/runs/{kept}/receipt")["is_final"], "its receipt to be final", 30)

        # The same callback again, under the id that it had.
        operate(local_stack, "redeliver", "default", "--run", kept)
        wait_until(lambda: len(receiver.requests) == 2, "the replay", 30)
        first, second = receiver.requests
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body

    receipt = get(local_stack, f"/v1/runs/{kept}/receipt")
    assert receipt["tokens"]["total_tokens"] > 0
    assert receipt["lambda"]["slices"] == 1
    assert receipt["dynamodb"]["write_units"] > 9
    assert receipt["dollars"] is None  # a scripted model has no list price
    assert receipt["known_dollars"] == receipt["aws_dollars"] > receipt["lambda"]["dollars"] > 0
    assert get(local_stack, f"/v1/receipts?agent_id={agent.id}")["runs"] == 3

    # Intake paused: refused with a time to come again, within the authorizer's memory of it.
    operate(local_stack, "pause", "pause", "default", "intake")
    described = local_stack.description

    def refused() -> bool:
        answer = httpx.post(
            f"{described['base_url']}/v1/agents/{agent.id}/messages/async",
            headers={"Authorization": f"Bearer {described['api_key']}"},
            json={"input": "hello"},
        )
        return answer.status_code == 503 and answer.headers["retry-after"] == "60"

    try:
        wait_until(refused, "intake to be refused", 40)
    finally:
        operate(local_stack, "pause", "resume", "default", "intake")
    wait_until(lambda: not refused(), "intake to be open again", 40)
