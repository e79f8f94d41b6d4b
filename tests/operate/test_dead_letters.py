"""Dead letters are shown with what the tables know of them, and redriven."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest

import dead_letters
from connected_stack import ConnectedStack, StackNotFoundError
from dead_letters import QUEUES, DeadLetters
from nightshift.domain.callback import AttemptOutcome, Retry
from nightshift.storage.doorbells import Ring
from support.aws_tables import REGION, Stack, client_of
from support.lane import TENANT, Lane
from support.lane_fixtures import lane, provider, stack
from support.stored_runs import RUN_ID, store_ended_run

__all__ = ["lane", "provider", "stack"]


@pytest.fixture
def letters(stack: Stack) -> DeadLetters:
    return DeadLetters.of(ConnectedStack(boto3.Session(region_name=REGION), None, outputs(stack)))


def outputs(stack: Stack) -> dict[str, str]:
    """Return what template.yaml puts out, on this stack."""
    found = {name: output["Value"] for name, output in stack.template["Outputs"].items()}
    return {name: stack.values.get(value.get("Ref", ""), "") for name, value in found.items()}


def die(stack: Stack, queue: str, body: str) -> None:
    client_of("sqs").send_message(QueueUrl=stack.values[queue], MessageBody=body)


def shown(letters: DeadLetters, queue: str) -> str:
    return "\n".join(letters.show(queue, datetime.now(UTC) + timedelta(hours=3, minutes=2)))


def test_letter_is_shown_with_its_age_and_the_run_that_waits(letters: DeadLetters, stack: Stack, lane: Lane) -> None:
    run = lane.accept()
    lane.run_slice_that_dies_in_the_model_call()
    die(stack, "RunDeadLetters", Ring(TENANT, lane.agent.id, "request-1").to_body())

    text = shown(letters, "RunDeadLetters")

    assert "3 h 2 m" in text
    assert lane.agent.id in text
    assert f"{run.id} is running, 1 starts without progress" in text


def test_callback_letter_is_shown_with_what_its_receiver_said(letters: DeadLetters, stack: Stack, lane: Lane) -> None:
    now = lane.clock.now()
    store_ended_run(lane.database, "https://hooks.example/x?key=secret", now)
    claimed = lane.database.deliveries.claim(TENANT, RUN_ID, now)
    assert claimed
    lane.database.deliveries.record(claimed, AttemptOutcome(503), Retry(timedelta(hours=2)), now)
    die(stack, "CallbackDeadLetters", Ring(TENANT, RUN_ID).to_body())

    text = shown(letters, "CallbackDeadLetters")

    assert "is pending after attempt 1; status 503" in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("queue", "body", "why"),
    [
        ("RunDeadLetters", Ring(TENANT, "agent-unknown").to_body(), "the conversation is gone: nothing to do"),
        ("CallbackDeadLetters", Ring(TENANT, RUN_ID).to_body(), "the run has no delivery: nothing to do"),
        ("RunDeadLetters", "not a doorbell", "ValueError: a doorbell must be an object"),
    ],
)
def test_letter_that_leads_nowhere_says_so(letters: DeadLetters, stack: Stack, queue: str, body: str, why: str) -> None:
    die(stack, queue, body)
    assert why in shown(letters, queue)


def test_looking_leaves_letters_where_they_are(letters: DeadLetters, stack: Stack) -> None:
    for number in range(12):
        die(stack, "RunDeadLetters", Ring(TENANT, f"agent-{number}").to_body())
    assert shown(letters, "RunDeadLetters") == shown(letters, "RunDeadLetters")
    assert len(stack.messages("RunDeadLetters")) == 12


@pytest.mark.parametrize("queue", QUEUES)
def test_redriven_letters_ring_where_they_came_from(letters: DeadLetters, stack: Stack, queue: str) -> None:
    bodies = {Ring(TENANT, f"agent-{number}").to_body() for number in range(12)}
    for body in bodies:
        die(stack, queue, body)

    assert letters.redrive(queue) == 12

    assert {message["Body"] for message in stack.messages(QUEUES[queue])} == bodies
    assert letters.redrive(queue) == 0


def test_commands_speak_to_the_stack_of_their_home(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = {"region": REGION, "aws_endpoint_url": None, "outputs": outputs(stack)}
    (tmp_path / "stack.json").write_text(json.dumps(said))
    die(stack, "RunDeadLetters", Ring(TENANT, "agent-unknown").to_body())

    def command(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["dead_letters.py", *arguments, "--home", str(tmp_path)])
        return dead_letters.main()

    assert command("list") == 0
    assert "agent-unknown" in (listed := capsys.readouterr().out)
    assert "CallbackDeadLetters  empty" in listed
    assert command("redrive", "RunDeadLetters") == 0
    assert capsys.readouterr().out == "redriven    1 from RunDeadLetters to RunQueue\n"


def test_home_without_a_stack_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StackNotFoundError, match="make up"):
        ConnectedStack.local(tmp_path)


def test_every_dead_letter_queue_of_the_template_is_known(stack: Stack) -> None:
    resources = stack.template["Resources"].items()
    redriven = {
        resource["Properties"]["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"].split(".")[0]: name
        for name, resource in resources
        if "RedrivePolicy" in resource.get("Properties", {})
    }
    assert redriven == QUEUES
