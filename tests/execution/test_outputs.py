"""Log probabilities and token ids: kept where a run asked for them, shown in its result, and free for all others."""

import json
from typing import Any

import pytest

from nightshift.delivery.body import build_body
from nightshift.domain.run import Run
from nightshift.intake.query import Queries
from nightshift.intake.responses import show_response
from nightshift.intake.show import show_run
from support.lane import TENANT, Lane
from support.scripted_model.answers import Call, Reply
from support.scripted_model.server import ScriptedModel
from support.scripted_model.tokens import id_of

CALL = Reply("let me see", tool_calls=(Call("ping", id="call_1"),))


def settled(lane: Lane, **fields: object) -> Run:
    run = lane.accept("hello", **fields)
    while not lane.run(run).status.is_terminal:
        lane.run_slice(slice_seconds=0)
        lane.clock.advance(1)
    return lane.run(run)


def shown(lane: Lane, run: Run) -> dict[str, Any]:
    """Return the run as the API shows it."""
    return show_run(Queries(lane.database).run(TENANT, run.id))


def told(lane: Lane, run: Run) -> dict[str, Any]:
    """Return the result as a callback tells it."""
    delivery = lane.database.deliveries.get(TENANT, run.id)
    assert delivery is not None
    result: dict[str, Any] = json.loads(build_body(run, delivery, [], lane.database.outputs.read(run)))["metadata"][
        "result"
    ]
    return result


def test_log_probabilities_of_the_last_answer_are_told(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([CALL, Reply("yes sir")])
    run = settled(lane, return_logprobs=True, top_logprobs=2, callback_url="https://example.com/hook")
    result = shown(lane, run)["metadata"]["result"]
    assert [token["token"] for token in result["logprobs"]["content"]] == ["yes", " sir"]
    assert [len(token["top_logprobs"]) for token in result["logprobs"]["content"]] == [2, 2]
    assert result["turns"] is None
    assert told(lane, run)["logprobs"] == result["logprobs"]
    outputs = Queries(lane.database).outputs(run)
    assert show_response(run, [], outputs)["logprobs"] == result["logprobs"]


@pytest.fixture
def sglang(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> Lane:
    """The lane with an agent whose model SGLang serves."""
    settings = {"SGLANG_BASE_URL": lane.provider.openai_base_url}
    monkeypatch.setattr(type(lane.models.secret), "mapping", lambda _: settings)
    lane.agent = lane.create_agent(model="sglang/qwen")
    return lane


def test_token_ids_of_all_answers_are_told_with_the_returns_between(sglang: Lane, provider: ScriptedModel) -> None:
    provider.play([CALL, Reply("yes sir")])
    run = settled(sglang, return_token_ids=True, callback_url="https://example.com/hook")
    turns = shown(sglang, run)["metadata"]["result"]["turns"]
    assert [turn["role"] for turn in turns] == ["assistant", "tool", "assistant"]
    assert (turns[0]["tool_name"], turns[1]["tool_name"]) == ("ping", "ping")
    assert "[ToolConstraintError]" in turns[1]["content"]
    assert turns[2] == {
        "role": "assistant",
        "output_ids": [id_of("yes"), id_of(" sir")],
        "output_token_logprobs": [[-0.25, id_of("yes"), "yes"], [-0.5, id_of(" sir"), " sir"]],
        "content": "yes sir",
        "tool_name": None,
    }
    assert told(sglang, run)["turns"] == turns


def test_large_outputs_are_kept_and_go_with_their_run(sglang: Lane, provider: ScriptedModel) -> None:
    provider.play([Reply("word " * 5_000)])
    run = settled(sglang, return_token_ids=True)
    (turn,) = shown(sglang, run)["metadata"]["result"]["turns"]
    assert len(turn["output_ids"]) == 5_001
    sglang.database.runs.delete(run)
    assert sglang.database.outputs.read(run) == []


def test_nothing_is_kept_that_nobody_asked_for(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([Reply("yes", reasoning="hm")])
    lane.stack.calls.clear()
    run = settled(lane, callback_url="https://example.com/hook")
    assert run.has_outputs is False
    assert "result" not in shown(lane, run)["metadata"]
    assert (told(lane, run)["logprobs"], told(lane, run)["turns"]) == (None, None)
    assert not any(call.operation == "Query" and "outputs#" in str(call) for call in lane.stack.calls)


def test_provider_without_them_answers_without_them(lane: Lane, provider: ScriptedModel) -> None:
    provider.play([Reply("yes")])
    run = settled(lane, return_token_ids=True)
    assert (run.has_outputs, run.error) == (False, None)
