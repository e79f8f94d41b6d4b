"""Where is my run? What is told in each place where a run can be."""

from datetime import timedelta
from typing import Any

from intake.deployment import UNKNOWN_RUN, Deployment
from intake.executed_runs import execute
from intake.refusals import assert_refused, read_json
from nightshift.clock import SystemClock
from nightshift.domain import ids
from nightshift.storage.pauses import Pausable
from run_status import draw
from support.scripted_model.answers import ErrorReply, Reply
from support.scripted_model.server import ScriptedModel


def explain(deployment: Deployment, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = read_json(deployment.http().get(f"/v1/runs/{run_id}/explain"))
    return found


def claim(deployment: Deployment, agent_id: str, ago: timedelta = timedelta(0)) -> None:
    """Do what a runner does first, a while ago."""
    now = SystemClock().now() - ago
    lease_seconds = timedelta(seconds=60)
    claimed = deployment.database.conversations.claim(
        deployment.tenant, agent_id, ids.new_id("lease"), now, lease_seconds
    )
    assert claimed is not None


def test_run_that_nobody_has_taken_waits_for_a_doorbell(deployment: Deployment) -> None:
    run = deployment.post(deployment.create_agent().id)

    told = explain(deployment, run.id)

    assert (told["status"], told["waits_for"]) == ("created", "doorbell")
    assert told["queue"] == {"position": 1, "length": 1, "executing_or_next": run.id}
    assert told["lease"] is None
    assert told["next_wake_up_at"] > told["asked_at"]
    assert [event["event"] for event in told["timeline"]] == ["accepted"]


def test_run_behind_another_waits_for_it(deployment: Deployment) -> None:
    first = deployment.post(deployment.create_agent().id)
    second = deployment.post(first.agent_id)

    told = explain(deployment, second.id)

    assert told["waits_for"] == "earlier_runs"
    assert told["queue"] == {"position": 2, "length": 2, "executing_or_next": first.id}


def test_run_in_execution_names_its_runner(deployment: Deployment) -> None:
    run = deployment.post(deployment.create_agent().id)
    claim(deployment, run.agent_id)

    told = explain(deployment, run.id)

    assert told["waits_for"] == "runner"
    assert told["lease"]["holder"].startswith("lease-")
    assert (told["lease"]["is_expired"], told["lease"]["fencing_token"]) == (False, 1)
    assert told["next_wake_up_at"] == told["lease"]["expires_at"]


def test_run_whose_runner_died_says_so(deployment: Deployment) -> None:
    run = deployment.post(deployment.create_agent().id)
    claim(deployment, run.agent_id, ago=timedelta(minutes=5))

    told = explain(deployment, run.id)

    assert (told["waits_for"], told["lease"]["is_expired"]) == ("dead_runner", True)


def test_run_of_a_paused_tenant_waits_for_its_operator(deployment: Deployment) -> None:
    run = deployment.post(deployment.create_agent().id)
    deployment.database.pauses.begin(deployment.tenant, Pausable.EXECUTION, SystemClock().now())

    assert explain(deployment, run.id)["waits_for"] == "operator"


def test_run_that_sleeps_says_until_when(deployment: Deployment, provider: ScriptedModel) -> None:
    deployment.point_at(provider)
    provider.play([ErrorReply(429, "later", headers={"Retry-After": "600"})])
    run = deployment.post(deployment.create_agent().id)
    deployment.answer_doorbells()

    told = explain(deployment, run.id)

    assert (told["status"], told["waits_for"]) == ("running", "provider")
    assert told["progress"]["provider_waits"] == 1
    assert told["next_wake_up_at"] > told["asked_at"]


def test_ended_run_tells_its_course_and_error(deployment: Deployment, provider: ScriptedModel) -> None:
    run = execute(deployment, provider, ErrorReply(400, "no such thing"))

    told = explain(deployment, run.id)

    assert (told["status"], told["waits_for"], told["queue"]) == ("failed", "nothing", None)
    assert "no such thing" in told["last_error"]
    assert [event["event"] for event in told["timeline"]] == ["accepted", "started", "step 1", "failed"]
    assert [event["at"] for event in told["timeline"]] == sorted(event["at"] for event in told["timeline"])


def test_ended_run_waits_for_its_callback(deployment: Deployment, provider: ScriptedModel) -> None:
    deployment.point_at(provider)
    provider.play([Reply("Done.")])
    run = deployment.post(deployment.create_agent().id, callback_url="https://example.com/hook")
    deployment.answer_doorbells()

    told = explain(deployment, run.id)

    assert (told["status"], told["waits_for"]) == ("completed", "callback")
    assert told["callback"]["status"] == "pending"
    assert told["next_wake_up_at"] == told["callback"]["next_attempt_at"]


def test_unknown_run_is_not_found(deployment: Deployment) -> None:
    assert_refused(deployment.http().get(f"/v1/runs/{UNKNOWN_RUN}/explain"), 404)


def test_run_of_another_tenant_is_as_unknown(deployment: Deployment) -> None:
    run = deployment.post(deployment.create_agent().id)
    own, other = (
        one.http().get(f"/v1/runs/{run_id}/explain")
        for one, run_id in ((deployment, UNKNOWN_RUN), (deployment.stranger, run.id))
    )
    assert other.status_code == 404
    assert other.json()["detail"].replace(run.id, UNKNOWN_RUN) == own.json()["detail"]


def test_malformed_id_is_a_bad_request(deployment: Deployment) -> None:
    assert_refused(deployment.http().get("/v1/runs/nonsense/explain"), 400)


def test_explaining_writes_nothing(deployment: Deployment) -> None:
    run = deployment.post(deployment.create_agent().id)
    with deployment.writes_nothing():
        explain(deployment, run.id)


def test_terminal_draws_every_place_where_a_run_can_be(deployment: Deployment, provider: ScriptedModel) -> None:
    waiting = deployment.post(deployment.create_agent().id)
    claim(deployment, waiting.agent_id)
    ended = execute(deployment, provider, ErrorReply(400, "no such thing"))

    held, failed = (draw(explain(deployment, run.id)) for run in (waiting, ended))

    assert any(line.startswith("lease        lease-") for line in held)
    assert "status       created, 0 of 50 steps" in held
    assert any(line.startswith("last error") and "no such thing" in line for line in failed)
    assert failed[-1].endswith("└─ failed               llm_api_error")
