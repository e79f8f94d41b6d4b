"""What a runner logs: every line of a run carries its ids, none carries what was said."""

import json

from nightshift.domain.ids import step_id
from support.lane import Lane
from support.logs import captured_logs
from support.scripted_model.answers import Call, Reply
from support.scripted_model.server import ScriptedModel


def test_every_line_of_a_run_names_it_and_none_quotes_it(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([Reply("secret answer", tool_calls=(Call("tool", '{"secret": "arguments"}'),)), Reply("secret end")])
    run = lane.accept("secret question")

    with captured_logs() as lines:
        lane.run_slice()

    assert [line["message"] for line in lines] == [
        "conversation claimed",
        "run started",
        "step finished",
        "tool calls answered",
        "step finished",
        "run finished",
    ]
    assert {line["run_id"] for line in lines} == {run.id}
    assert {line["agent_id"] for line in lines[1:]} == {run.agent_id}
    assert {line["correlation_id"] for line in lines[1:]} == {"correlation"}
    assert [line["step_id"] for line in lines[2:]] == [step_id(run.id, number) for number in (1, 1, 2, 2)]
    assert "secret" not in json.dumps(lines)
