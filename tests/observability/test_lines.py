"""Every line of every function names what it speaks of, and one id leads through all hops of a run."""

import pytest

from observability.recording import Recording

ENDED = ("goes_well", "outlives_its_slice", "provider_is_down", "ends_its_runners")

KNOWN = {
    "run accepted": {"tenant", "agent_id", "conversation_id", "run_id"},
    "request answered": {"tenant", "agent_id", "conversation_id", "run_id"},
    "conversation claimed": {"tenant", "agent_id", "conversation_id", "run_id"},
    "run started": {"tenant", "agent_id", "conversation_id", "run_id"},
    "model call is repeated": {"tenant", "agent_id", "conversation_id", "run_id", "step_id"},
    "step finished": {"tenant", "agent_id", "conversation_id", "run_id", "step_id"},
    "tool call ended": {"tenant", "agent_id", "conversation_id", "run_id", "step_id"},
    "tool calls answered": {"tenant", "agent_id", "conversation_id", "run_id", "step_id"},
    "conversation handed over": {"tenant", "agent_id", "conversation_id"},
    "long run started": {"tenant", "conversation_id", "run_id"},
    "long run not started, the sweeper will ring": {"tenant", "conversation_id", "run_id"},
    "run finished": {"tenant", "agent_id", "conversation_id", "run_id"},
    "delivery handed over": {"tenant", "run_id"},
    "callback attempt recorded": {"tenant", "agent_id", "conversation_id", "run_id"},
}
"""The lines of a run's path, and what is known where each is written."""


@pytest.mark.parametrize("scenario", ENDED)
def test_every_line_of_a_run_names_all_that_is_known_there(recording: Recording, scenario: str) -> None:
    (accepted,) = [line for line in recording.of_run(scenario) if line["message"] == "run accepted"]
    path = [line for line in recording.lines if line.get("correlation_id") == accepted["correlation_id"]]
    assert {line["message"] for line in path} <= KNOWN.keys()
    for line in path:
        missing = KNOWN[line["message"]] - line.keys()
        assert not missing, f"{line['message']!r} does not say {missing}"
        assert line.get("run_id", accepted["run_id"]) == accepted["run_id"]
        assert line["tenant"] == accepted["tenant"]


@pytest.mark.parametrize("scenario", ENDED)
def test_correlation_id_goes_from_the_request_to_the_callback(recording: Recording, scenario: str) -> None:
    (accepted,) = [line for line in recording.of_run(scenario) if line["message"] == "run accepted"]
    path = [line["message"] for line in recording.lines if line.get("correlation_id") == accepted["correlation_id"]]
    for message in ("run accepted", "request answered", "conversation claimed", "run started", "run finished"):
        assert message in path
    assert path[-2:] == ["delivery handed over", "callback attempt recorded"]
    assert len({line["correlation_id"] for line in recording.of_run(scenario)}) >= 1


def test_run_that_the_sweeper_rang_for_keeps_its_own_correlation_id(recording: Recording) -> None:
    lines = recording.of_run("doorbell_is_lost")
    (accepted,) = [line for line in lines if line["message"] == "run accepted"]
    for line in lines:
        if line["message"] in {"run started", "step finished", "run finished", "callback attempt recorded"}:
            assert line["correlation_id"] == accepted["correlation_id"], line["message"]
    (claimed,) = [line for line in lines if line["message"] == "conversation claimed"]
    rung = [line for line in recording.lines if claimed["conversation_id"] in line.get("subjects", ())]
    assert claimed["correlation_id"] in {line["correlation_id"] for line in rung}


def test_every_line_is_structured_and_of_the_service(recording: Recording) -> None:
    for line in recording.lines:
        assert {"level", "message"} <= line.keys()
        if line["message"] != "tool call ended":
            assert line["service"] == "nightshift"
