"""What an agent can do in the background, on the deployed template: every run is accepted, polled and read.

Each test prints the types of the messages of its runs, in their order.
"""

import base64
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from letta_client import Letta
from letta_client.types import AgentState
from letta_client.types.agents.run import Run

from stack.polling import wait_until_ended
from support.compactions import is_asked_for_summary
from support.receiver import answer, running_receiver
from support.scripted_model.answers import Answer, Call, Reply, TokenCounts
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

type Json = dict[str, Any]

WEATHER = '''
import os

def get_weather(city: str) -> dict:
    """Say what the weather is.

    Args:
        city: where.
    """
    return {"city": city, "sky": os.environ["SKY"]}
'''

LAUNCH = '''
def launch(code: str) -> str:
    """Launch.

    Args:
        code: the code.
    """
    return f"launched with {code}"
'''

MEASURE: Json = {
    "name": "measure",
    "description": "Measure a thing.",
    "parameters": {"type": "object", "properties": {"thing": {"type": "string"}}, "required": ["thing"]},
}

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

CALL_AND_RETURN = ["tool_call_message", "tool_return_message"]
ANSWERED = ["approval_response_message", "tool_return_message", "assistant_message"]


@dataclass
class Talk:
    """One agent with a script of its own, and what its runs showed.

    Attributes:
        model: the model's id at the provider, which nobody else has.
    """

    letta: Letta
    provider: ScriptedModel
    model: str
    lines: list[str] = field(default_factory=list)

    def create_agent(self, *sources: str, **fields: Any) -> AgentState:
        tools = [self.letta.tools.create(source_code=source).id for source in sources]
        return self.letta.agents.create(
            model=f"openai/{self.model}", tool_ids=tools, include_base_tools=False, **fields
        )

    def say(self, agent: AgentState, answers: Sequence[Answer], **body: Any) -> tuple[Run, list[Json]]:
        """Let the model have these answers for one run; return how the run ended and the messages that it shows."""
        self.provider.play_for(self.model, answers)
        accepted = self.letta.agents.messages.create_async(agent.id, **body)
        assert accepted.status == "created"
        run = wait_until_ended(self.letta, accepted.id)
        messages = [message.model_dump() for message in self.letta.runs.messages.list(run.id).items]
        self.lines.append(f"{run.status} {run.stop_reason}: {' '.join(types_of(messages))}")
        return run, messages

    @property
    def requests(self) -> list[SeenRequest]:
        return self.provider.requests_of(self.model)


@pytest.fixture
def talk(
    letta: Letta, provider: ScriptedModel, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> Iterator[Talk]:
    name = request.node.name.removeprefix("test_")
    made = Talk(letta, provider, name)
    yield made
    with capsys.disabled():
        sys.stdout.writelines(f"\n{name} | {line}" for line in made.lines)


def types_of(messages: Sequence[Json]) -> list[str]:
    return [message["message_type"] for message in messages]


def outcome(run: Run) -> tuple[str | None, str | None]:
    return run.status, run.stop_reason


def calling(name: str, call_id: str, arguments: str = "{}") -> Reply:
    return Reply(tool_calls=(Call(name, arguments, id=call_id),))


def decision(call_id: str, *, approve: bool, reason: str | None = None) -> Json:
    return {
        "type": "approval",
        "approvals": [{"type": "approval", "tool_call_id": call_id, "approve": approve, "reason": reason}],
    }


def test_server_tool_loop(talk: Talk) -> None:
    agent = talk.create_agent(WEATHER, secrets={"SKY": "clear"})
    answers = [
        calling("get_weather", "call_bonn", '{"city": "Bonn"}'),
        calling("get_weather", "call_ulm", '{"city": "Ulm"}'),
        Reply("Clear in both."),
    ]

    run, messages = talk.say(agent, answers, input="What is the weather in Bonn and in Ulm?")

    assert outcome(run) == ("completed", "end_turn")
    assert types_of(messages) == ["user_message", *CALL_AND_RETURN * 2, "assistant_message"]
    returns = [message["tool_return"] for message in messages if message["message_type"] == "tool_return_message"]
    assert returns == ['{"city": "Bonn", "sky": "clear"}', '{"city": "Ulm", "sky": "clear"}']
    assert talk.requests[-1].texts_of("tool") == returns
    assert [step.stop_reason for step in talk.letta.runs.steps.list(run.id)] == ["end_turn", None, None]


def paused(talk: Talk) -> AgentState:
    """Make an agent whose run waits for an approval of the call `call_launch`."""
    rules: Any = [{"type": "requires_approval", "tool_name": "launch"}]
    agent = talk.create_agent(LAUNCH, tool_rules=rules)

    run, messages = talk.say(agent, [calling("launch", "call_launch", '{"code": "7"}')], input="Launch!")

    assert outcome(run) == ("completed", "requires_approval")
    assert types_of(messages) == ["user_message", "approval_request_message"]
    pending = talk.letta.agents.retrieve(agent.id, include=["agent.pending_approval"]).pending_approval
    assert pending is not None
    assert pending.id == messages[-1]["id"]
    return agent


def test_approval(talk: Talk) -> None:
    agent = paused(talk)

    run, messages = talk.say(agent, [Reply("It flies.")], messages=[decision("call_launch", approve=True)])

    assert outcome(run) == ("completed", "end_turn")
    assert types_of(messages) == ANSWERED
    assert (messages[1]["status"], messages[1]["tool_return"]) == ("success", "launched with 7")


def test_denial(talk: Talk) -> None:
    agent = paused(talk)
    denied = decision("call_launch", approve=False, reason="too windy")

    run, messages = talk.say(agent, [Reply("It stays.")], messages=[denied])

    assert outcome(run) == ("completed", "end_turn")
    assert types_of(messages) == ANSWERED
    assert messages[1]["status"] == "error"
    assert messages[1]["tool_return"] == "Error: request to call tool denied. User reason: too windy"
    assert talk.requests[-1].texts_of("tool") == [messages[1]["tool_return"]]


def test_client_tool_pauses_and_resumes(talk: Talk) -> None:
    agent = talk.create_agent()
    asked = calling("measure", "call_desk", '{"thing": "desk"}')

    run, messages = talk.say(agent, [asked], input="How long is the desk?", client_tools=[MEASURE])

    assert outcome(run) == ("completed", "requires_approval")
    assert types_of(messages) == ["user_message", "approval_request_message"]
    assert messages[-1]["tool_call"]["name"] == "measure"
    returned = {"tool_call_id": "call_desk", "status": "success", "tool_return": "160 cm", "stdout": ["beep"]}
    sent = {"type": "tool_return", "tool_returns": [{"type": "tool", **returned}]}

    run, messages = talk.say(agent, [Reply("160 cm.")], messages=[sent], client_tools=[MEASURE])

    assert outcome(run) == ("completed", "end_turn")
    assert types_of(messages) == ANSWERED
    assert (messages[1]["tool_return"], messages[1]["stdout"]) == ("160 cm", ["beep"])
    assert talk.requests[-1].texts_of("tool") == ["160 cm"]


def test_compaction(talk: Talk) -> None:
    agent = talk.create_agent(context_window_limit=10_000, compaction_settings={"model": f"openai/{talk.model}"})
    talk.say(agent, [Reply("Hello Ada.")], input="I am Ada.")
    answers = [Reply("A long answer.", tokens=TokenCounts(prompt=9_500)), Reply("Ada said who she is.")]

    run, messages = talk.say(agent, answers, input="Tell me a lot.", include_compaction_messages=True)

    assert outcome(run) == ("completed", "end_turn")
    assert types_of(messages) == ["user_message", "assistant_message", "event_message", "summary_message"]
    assert messages[-1]["summary"] == "Ada said who she is."
    assert messages[-1]["compaction_stats"]["trigger"] == "post_step_context_check"
    assert is_asked_for_summary(talk.requests[-1])
    talk.say(agent, [Reply("Ada.")], input="Who am I?")
    assert "Ada said who she is." in talk.requests[-1].texts_of("user")[0]
    assert "I am Ada." not in talk.requests[-1].texts_of("user")


def test_image(talk: Talk) -> None:
    agent = talk.create_agent()
    with running_receiver() as pictures:
        pictures.behave(answer(200, {"Content-Type": "image/png"}, base64.b64decode(PIXEL)))
        sources: list[Json] = [
            {"type": "base64", "media_type": "image/png", "data": PIXEL},
            {"type": "url", "url": pictures.url},
        ]
        content = [{"type": "text", "text": "What are they?"}, *({"type": "image", "source": one} for one in sources)]

        run, messages = talk.say(agent, [Reply("Dots.")], messages=[{"role": "user", "content": content}])

    assert outcome(run) == ("completed", "end_turn")
    assert types_of(messages) == ["user_message", "assistant_message"]
    assert [part["type"] for part in messages[0]["content"]] == ["text", "image", "image"]
    (seen,) = [one["content"] for one in talk.requests[-1].body["messages"] if one["role"] == "user"]
    shown = [part["image_url"]["url"] for part in seen if part["type"] == "image_url"]
    assert shown == [f"data:image/png;base64,{PIXEL}"] * 2


def test_logprobs(talk: Talk) -> None:
    agent = talk.create_agent()

    run, messages = talk.say(agent, [Reply("yes sir")], input="Well?", return_logprobs=True, top_logprobs=2)

    assert outcome(run) == ("completed", "end_turn")
    assert types_of(messages) == ["user_message", "assistant_message"]
    metadata: Any = run.metadata
    tokens = metadata["result"]["logprobs"]["content"]
    assert [(token["token"], token["logprob"], len(token["top_logprobs"])) for token in tokens] == [
        ("yes", -0.25, 2),
        (" sir", -0.5, 2),
    ]


def test_archival_memory_is_shared_by_agent_and_client(talk: Talk) -> None:
    agent = talk.create_agent(tools=["archival_memory_insert", "archival_memory_search"])
    talk.letta.agents.passages.create(agent.id, text="The key is under the mat.")
    answers = [
        calling("archival_memory_search", "call_1", '{"query": "key"}'),
        calling("archival_memory_insert", "call_2", '{"content": "The mat is blue."}'),
        Reply("Noted."),
    ]

    run, messages = talk.say(agent, answers, input="The mat is blue. Where is the key?")

    assert outcome(run) == ("completed", "end_turn")
    assert types_of(messages) == ["user_message", *CALL_AND_RETURN * 2, "assistant_message"]
    assert "under the mat" in messages[2]["tool_return"]
    (first, second) = talk.letta.agents.passages.list(agent.id)
    assert second.text == "The mat is blue."
    talk.letta.agents.passages.delete(str(first.id), agent_id=agent.id)
    assert talk.letta.agents.passages.search(agent.id, query="mat").count == 1
