"""Somebody is woken at three: five faults, planted on the embedded AWS.

For each, the metric that its alarm reads is in the log, the first query of its runbook finds the lines, and the
commands of the runbook, taken from its page and run, mend it. Only the sweeper's minute is not waited for.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from letta_client import APIStatusError, Letta

from nightshift.storage.keys import DUE_SHARD
from observability.logs_insights import Line, run_query
from observability.watched import ROOT, Metric, alarms, commands, first_query, metrics_of_alarm
from stack.polling import wait_for, wait_until_ended
from support.local_stack import LocalStack
from support.receiver import answer, running_receiver
from support.scripted_model.answers import Answer, ErrorReply, Reply
from support.scripted_model.rules import echo_history
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

STACK = "nightshift"
TENANT = "default"
PATIENCE_SECONDS = 60

pytestmark = pytest.mark.timeout(400)


@dataclass(frozen=True, slots=True)
class Watch:
    """Whoever is on duty: what they see, and what they do."""

    stack: LocalStack

    def lines(self) -> list[Line]:
        """Return the structured lines of all functions so far, in order of arrival."""
        text = (self.stack.home / "functions.log").read_text(errors="replace")
        rows = ((at, _to_line(row)) for at, row in enumerate(text.splitlines()))
        return [line | {"@timestamp": at} for at, line in rows if line is not None]

    def metric(self, alarm: str) -> float:
        """Return the highest value of what the alarm reads: every metric of ours that it names, with its dimensions."""
        metrics: list[Metric] = metrics_of_alarm(alarms()[alarm])
        values = [
            line[name]
            for line in self.lines()
            for _, name, dimensions in metrics
            if name in line and all(line.get(key) == value for key, value in dimensions if key != "service")
        ]
        return max(values, default=0)

    def first_query(self, alarm: str) -> list[Line]:
        """Return what the saved query that the runbook names finds."""
        return run_query(first_query(alarm), self.lines())

    def follow_runbook(self, alarm: str, **variables: str) -> str:
        """Run the commands of the alarm's page, as they stand there; return what they print."""
        description = self.stack.description
        environment = {**self.stack.environment} | {
            "PATH": f"{ROOT / '.venv-sam' / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": description["aws_endpoint_url"],
            "AWS_DEFAULT_REGION": description["region"],
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "NIGHTSHIFT_URL": description["base_url"],
            "NIGHTSHIFT_KEY": description["api_key"],
            "STACK": STACK,
            "TENANT": TENANT,
        }
        script = "\n".join(["set -euo pipefail", *commands("README"), *commands(alarm)])
        done = subprocess.run(  # noqa: S603 -- the runbook's own commands
            ["/bin/bash", "-c", script],
            cwd=ROOT,
            env=environment | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def sweep(self) -> None:
        """Do what the schedule does every minute."""
        self.stack.aws("lambda").invoke(FunctionName=f"{self.stack.output('ScheduleSweeperFunctionName')}:live")

    def sweep_until[Found](self, look: Callable[[], Found | None], what: str, seconds: float = 150) -> Found:
        """Let minutes pass quickly until something is seen."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := look():
                return found
            self.sweep()
            time.sleep(1)
        raise AssertionError(f"not seen within {seconds} s: {what}")


@pytest.fixture
def watch(local_stack: LocalStack) -> Watch:
    return Watch(local_stack)


def test_provider_is_down(watch: Watch, letta: Letta, provider: ScriptedModel) -> None:
    provider.play_for("down", rule=lambda _seen: ErrorReply(503, "the provider is down"))
    provider.play_for("up", rule=echo_history)
    agent = letta.agents.create(model="openai/down")
    run = letta.agents.messages.create_async(agent.id, input="first message")
    assert wait_until_ended(letta, run.id).stop_reason == "llm_api_error"

    wait_for(lambda: watch.metric("ModelsFailing") >= 1 or None, PATIENCE_SECONDS, "the metric")
    assert any(row["provider"] == "openai" and row["failures"] >= 1 for row in watch.first_query("ModelsFailing"))
    posted = json.loads(watch.follow_runbook("ModelsFailing", AGENT=agent.id, MODEL="openai/up"))

    assert wait_until_ended(letta, posted["id"]).status == "completed"
    assert provider.requests_of("up")[-1].texts_of("user") == ["first message", "Please go on."]


def test_run_is_poison(watch: Watch, letta: Letta, provider: ScriptedModel) -> None:
    def kill(seen: SeenRequest) -> Answer:
        if any("poison" in text for text in seen.texts_of("user")):
            watch.stack.kill_function_processes()
        return Reply("still here")

    provider.play_for("poison", rule=kill)
    agent = letta.agents.create(model="openai/poison")
    run = letta.agents.messages.create_async(agent.id, input="poison")
    ended = watch.sweep_until(lambda: _ended(letta, run.id), "the end of the run", 300)
    assert (ended.status, ended.stop_reason) == ("failed", "error")

    wait_for(lambda: watch.metric("RunPoisoned") >= 1 or None, PATIENCE_SECONDS, "the metric")
    assert [row["run_id"] for row in watch.first_query("RunPoisoned")] == [run.id]
    printed = watch.follow_runbook("RunPoisoned", RUN=run.id, AGENT=agent.id)

    assert "without progress" in printed
    posted = json.loads(printed[printed.rindex("\n{") if "\n{" in printed else printed.index("{") :])
    assert wait_until_ended(letta, posted["id"], 120).status == "completed"


def test_receiver_is_dead(watch: Watch, letta: Letta, provider: ScriptedModel) -> None:
    provider.play_for("dead-receiver", rule=echo_history)
    agent = letta.agents.create(model="openai/dead-receiver")
    with running_receiver() as receiver:
        receiver.behave(answer(503))
        run = letta.agents.messages.create_async(agent.id, input="hello", callback_url=receiver.url)
        wait_until_ended(letta, run.id)
        wait_for(lambda: len(receiver.requests) >= 2 or None, PATIENCE_SECONDS, "two attempts that fail")
        wait_for(lambda: watch.metric("CallbacksFailing") >= 1 or None, PATIENCE_SECONDS, "the metric")
        rows = watch.first_query("CallbacksFailing")
        assert any((row["host"], row.get("status_code")) == ("127.0.0.1", 503) for row in rows)

        receiver.behave(answer(200))
        printed = watch.follow_runbook("CallbacksFailing", RUN=run.id)

        assert "callback     pending" in printed
        wait_for(lambda: letta.runs.retrieve(run.id).callback_status_code == 200 or None, PATIENCE_SECONDS, "delivery")


def test_lease_is_stuck(watch: Watch, letta: Letta, provider: ScriptedModel) -> None:
    provider.play_for("stuck", rule=echo_history)
    agent = letta.agents.create(model="openai/stuck")
    dynamodb, table = watch.stack.aws("dynamodb"), watch.stack.output("ConversationsTableName")
    # A holder that nobody is, for a day, on a conversation that has been due for ten minutes.
    now = int(time.time())
    held = {"lease_holder": {"S": "lease-of-nobody"}, "lease_expires_ms": {"N": str((now + 86_400) * 1_000)}}
    due = {"due_shard": {"S": DUE_SHARD}, "due_at": {"N": str(now - 600)}}
    _set(dynamodb, table, f"{TENANT}#{agent.id}", held | due)
    run = letta.agents.messages.create_async(agent.id, input="hello")

    overdue = watch.sweep_until(lambda: watch.metric("WorkOverdue") >= 300 or None, "the metric")
    assert overdue
    rows = watch.first_query("WorkOverdue")
    assert any(row["message"] == "conversation not claimed" and row["conversation_id"] == agent.id for row in rows)
    printed = watch.follow_runbook("WorkOverdue", RUN=run.id, LANE=agent.id)

    assert "lease-of-nobody" in printed
    assert wait_until_ended(letta, run.id).status == "completed"


def test_table_is_throttled(watch: Watch, letta: Letta, provider: ScriptedModel) -> None:
    provider.play_for("throttled", rule=echo_history)
    agent = letta.agents.create(model="openai/throttled")
    dynamodb, table = watch.stack.aws("dynamodb"), watch.stack.output("RunsTableName")
    dynamodb.update_table(TableName=table, OnDemandThroughput={"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": 1})
    with pytest.raises(APIStatusError) as refused:
        letta.with_options(max_retries=0).agents.messages.create_async(agent.id, input="hello")
    assert refused.value.status_code == 503

    wait_for(lambda: watch.metric("ServicesFailing") >= 1 or None, PATIENCE_SECONDS, "the metric")
    assert any("Throttling" in str(row.get("reason")) for row in watch.first_query("ServicesFailing"))
    printed = watch.follow_runbook("ServicesFailing", TABLE=table)

    assert '"MaxWriteRequestUnits": 1' in printed
    run = letta.agents.messages.create_async(agent.id, input="hello")
    assert wait_until_ended(letta, run.id).status == "completed"


def _ended(letta: Letta, run_id: str) -> Any:
    run = letta.runs.retrieve(run_id)
    return run if run.status not in {"created", "running"} else None


def _to_line(row: str) -> Line | None:
    """Return the JSON of a row of the functions' log, None where a row has none."""
    try:
        line = json.loads(row[row.index("{") :])
    except ValueError:
        return None
    return line if isinstance(line, dict) and "message" in line else None


def _set(dynamodb: Any, table: str, pk: str, values: dict[str, Any]) -> None:
    expression = "SET " + ", ".join(f"{name} = :{name}" for name in values)
    attributes = {f":{name}": value for name, value in values.items()}
    dynamodb.update_item(
        TableName=table,
        Key={"pk": {"S": pk}},
        UpdateExpression=expression,
        ExpressionAttributeValues=attributes,
    )
