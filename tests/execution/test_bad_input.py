"""What models, tools and clients get wrong, or do on purpose: it ends clearly, and the next message works."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from execution.test_images import PIXEL
from execution.test_situations import LOOK_UP, SITUATIONS, calls, rule
from nightshift.domain.approval import NOTHING_PENDING
from nightshift.domain.errors import InvalidRequestError
from nightshift.domain.message import ToolReturn
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.execution import server_tools
from nightshift.execution.model_source import ModelSource
from nightshift.execution.tool_calls import NO_TIME_LEFT
from nightshift.tools.sandbox import Sandbox
from support.lane import Lane
from support.receiver import Behaviour, Receiver, answer, endless_body, hang, running_receiver
from support.sandbox_lambda import run_in_process
from support.scripted_model.answers import Reply

type Json = dict[str, Any]

SAID = Reply("still here")


def returns_of(lane: Lane) -> list[ToolReturn]:
    return [given for message in lane.log for given in message.draft.tool_returns]


def assert_next_message_works(lane: Lane, *earlier: Run) -> None:
    lane.provider.play([SAID])
    following = lane.accept("and now?")
    lane.run_slice()
    assert (lane.run(following).status, lane.run(following).error) == (RunStatus.COMPLETED, None)
    lane.assert_settled([*earlier, following])


@pytest.mark.parametrize(
    "name",
    [
        "arguments that are no object",
        "arguments that are not JSON",
        "answer cut by its length",
        "neither text nor call",
        "provider fails after a tool",
        "provider refuses",
        "provider wants money",
        "steps used up",
        "tool fails",
        "tool that is not offered",
    ],
)
def test_agent_outlives_a_bad_answer_of_its_model(name: str, lane: Lane) -> None:
    situation = SITUATIONS[name]
    lane.use_agent(LOOK_UP, "def break_it():\n    raise ValueError('it broke')", include_base_tools=False)
    lane.provider.play(situation.answers)
    run = lane.accept(**situation.request)
    lane.run_slice()
    assert lane.run(run).stop_reason is situation.stop_reason

    assert_next_message_works(lane, run)


HOSTILE = {
    "loops for ever": ("def hostile():\n    while True: pass", "TimeoutError: the tool did not end within 1"),
    "forks": (
        "import os\ndef hostile():\n    while True:\n        try: os.fork()\n        except OSError: pass",
        "Error executing function hostile",
    ),
    "reads the environment of its parent": (
        "import os\ndef hostile():\n    return open(f'/proc/{os.getppid()}/environ').read()",
        "PermissionError",
    ),
    "opens the metadata address": (
        "import urllib.request as web\n"
        "def hostile():\n    return web.urlopen('http://169.254.169.254/latest/meta-data/', timeout=0.3).read()",
        "Error executing function hostile: ",
    ),
    "does not parse": ("def hostile(:", "SyntaxError"),
    "names no function": ("hostile = 3", "source_code defines no function hostile"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_agent_outlives_a_tool_that(name: str, lane: Lane, monkeypatch: pytest.MonkeyPatch) -> None:
    source, said = HOSTILE[name]
    monkeypatch.setattr(server_tools, "TOOL_TIMEOUT_SECONDS", 1.0)
    lane.use_agent(source, tool_fields={"json_schema": {"name": "hostile"}}, include_base_tools=False)
    lane.provider.play([calls("hostile"), Reply("it failed")])
    run = lane.accept()
    lane.run_slice()

    (given,) = returns_of(lane)
    assert given.status == "error"
    assert said in given.text
    assert lane.run(run).stop_reason is StopReason.END_TURN
    assert_next_message_works(lane, run)


def test_gigabyte_of_output_is_cut_and_the_run_goes_on(lane: Lane) -> None:
    source = "def hostile():\n    for _ in range(16_384): print('x' * 65_535)\n    return 'printed'"
    lane.use_agent(source, include_base_tools=False)
    lane.provider.play([calls("hostile"), Reply("much")])
    run = lane.accept()
    lane.run_slice()

    (given,) = returns_of(lane)
    assert (given.status, given.text) == ("success", "printed")
    assert len(given.stdout[0]) < 101_000
    assert_next_message_works(lane, run)


@pytest.fixture
def pictures() -> Iterator[Receiver]:
    with running_receiver() as receiver:
        yield receiver


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (endless_body(), "it has more than"),
        (hang(), "timed out"),
        (answer(200, body=b"<html>"), "it is no PNG, JPEG, GIF or WebP"),
        (answer(404), "the server answered 404"),
    ],
    ids=["huge", "slow", "no image", "not there"],
)
def test_agent_outlives_a_bad_picture(
    behaviour: Behaviour, reason: str, lane: Lane, pictures: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nightshift.execution.images.FETCH_TIMEOUT_SECONDS", 0.5)
    lane.models = ModelSource(lane.models.secret, allow_private_images=True)
    pictures.behave(behaviour)
    content = [{"type": "image", "source": {"type": "url", "url": pictures.url}}]
    run = lane.accept(messages=[{"role": "user", "content": content}])
    lane.run_slice()

    failed = lane.run(run)
    assert (failed.status, failed.stop_reason) == (RunStatus.FAILED, StopReason.ERROR)
    assert "INVALID_ARGUMENT: the image at 127.0.0.1 can't be used" in str(failed.error)
    assert reason in str(failed.error)
    assert lane.provider.requests == []
    assert_next_message_works(lane, failed)


def test_picture_in_a_file_store_is_shown_where_its_bytes_came_along_and_told_where_not(lane: Lane) -> None:
    data = base64.b64encode(PIXEL).decode()
    stored = [
        {"type": "letta", "file_id": "file-1", "media_type": "image/png", "data": data},
        {"type": "letta", "file_id": "file-2"},
    ]
    lane.provider.play([Reply("a dot")])
    lane.accept(messages=[{"role": "user", "content": [{"type": "image", "source": one} for one in stored]}])
    lane.run_slice()

    (seen,) = [one["content"] for one in lane.provider.requests[0].body["messages"] if one["role"] == "user"]
    assert [part.get("image_url", {}).get("url") or part["text"] for part in seen] == [
        f"data:image/png;base64,{data}",
        "[image: file-2]",
    ]


UNASKED = [
    {"type": "tool_return", "tool_returns": [{"tool_call_id": "call_9", "tool_return": "3 m", "status": "success"}]},
    {"type": "approval", "approvals": [{"type": "approval", "tool_call_id": "call_9", "approve": True}]},
    {"approve": True, "approval_request_id": "message-00000001-0001-4c7e-9a07-5b6c4d1f2a3b"},
]


@pytest.mark.parametrize("sent", UNASKED, ids=["tool return", "approval", "deprecated form"])
def test_answer_that_nobody_asked_for_is_refused_or_fails_and_leaves_no_trace(sent: Json, lane: Lane) -> None:
    with pytest.raises(InvalidRequestError, match="No tool call is currently awaiting approval"):
        lane.accept(messages=[sent])
    lane.provider.play([Reply("first")])
    first, late = lane.accept(), lane.accept(messages=[sent])
    lane.run_slice()

    assert lane.run(first).status is RunStatus.COMPLETED
    assert (lane.run(late).status, lane.run(late).error) == (RunStatus.FAILED, NOTHING_PENDING)
    assert {message.run_id for message in lane.log} == {first.id}
    assert_next_message_works(lane, first, late)


def test_very_long_returns_are_shortened_for_the_model_alone(lane: Lane) -> None:
    source = "def long():\n    return 'x' * 60_000"
    fields = {"return_char_limit": 100_000}
    lane.use_agent(source, tool_fields=fields, include_base_tools=False, context_window_limit=16_000)
    lane.provider.play([calls("long"), Reply("long")])
    run = lane.accept()
    lane.run_slice()

    (seen,) = lane.provider.requests[1].texts_of("tool")
    assert len(seen) == 12_800
    assert seen.endswith("[cut: 60000 characters, the limit is 12800]")
    assert len(returns_of(lane)[0].text) == 60_000
    lane.assert_settled([run])


def test_clients_tool_that_a_conditional_rule_names_waits_for_its_turn(lane: Lane) -> None:
    mapping = {"found it": "measure", "found nothing": "note"}
    rules = [rule("conditional", "look_up", child_output_mapping=mapping)]
    note = "def note():\n    return 'noted'"
    lane.use_agent(LOOK_UP, note, include_base_tools=False, tool_rules=rules)
    lane.provider.play([calls("look_up"), calls("note"), Reply("done")])
    lane.accept(client_tools=[{"name": "measure"}])
    lane.run_slice()

    offered = [[tool["function"]["name"] for tool in seen.body["tools"]] for seen in lane.provider.requests]
    assert offered == [["look_up", "note", "measure"], ["note"], ["look_up", "note", "measure"]]


def test_call_for_which_no_time_is_left_is_not_begun(lane: Lane) -> None:
    """Each call takes 150 s of the 300 that an invocation has; nothing is started that would be cut off at once."""
    begun: list[str] = []

    def invoke(payload: Json) -> Json:
        begun.append(payload["tool_call_id"])
        lane.clock.advance(150)
        return run_in_process(payload)

    lane.sandbox = Sandbox(invoke)
    lane.use_agent(LOOK_UP, include_base_tools=False, parallel_tool_calls=True)
    lane.provider.play([calls("look_up", "look_up", "look_up"), Reply("two of three")])
    run = lane.accept()
    lane.run_slice()
    if not lane.run(run).status.is_terminal:
        lane.sweep()

    assert begun == ["call_1_look_up", "call_2_look_up"]
    texts = [given.text for given in returns_of(lane)]
    assert texts == ["found nothing", "found nothing", NO_TIME_LEFT]
    assert_next_message_works(lane, run)
