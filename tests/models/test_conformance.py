"""One table for all protocols: what is said in the provider's words, and what comes back goes back unchanged."""

import json
from dataclasses import replace

import pytest

from models.adapters import Adapter
from models.builders import assistant, returns, user
from models.protocol_bodies import pictures_in, thoughts_in, tool_choice_in
from nightshift.domain.content import Base64Image, ContentPart, ImagePart, ReasoningPart, TextPart, UrlImage
from nightshift.domain.message import MessageDraft, Role, ToolCall, ToolReturn, ToolSchema
from nightshift.models.port import Finish, ModelAnswer, Reasoning
from support.scripted_model.answers import Call, Reply, TokenCounts
from support.scripted_model.server import ScriptedModel

PIXEL = "iVBORw0KGgo="
PNG = ImagePart(Base64Image("image/png", PIXEL))
LOOK = ToolSchema("look", "Looks.", {"type": "object", "properties": {"at": {"type": "string"}}})
SEEN = ToolReturn("call_1", "look", "seen", "success")
TWO_CALLS = (Call("look", '{"at": "a"}', "call_1"), Call("look", '{"at": "b"}', "call_2"))


def _draft(answer: ModelAnswer) -> MessageDraft:
    """Return the answer as the runner stores it."""
    return MessageDraft(Role.ASSISTANT, answer.content, answer.tool_calls)


def test_tool_loop_of_parallel_calls_with_an_error_goes_round(adapter: Adapter) -> None:
    failed = ToolReturn("call_2", "look", "too dark", "error")
    with ScriptedModel(Reply("let me see", tool_calls=TWO_CALLS), Reply("done")) as scripted:
        first = adapter.ask(scripted, user("look"), tools=(LOOK,))
        second = adapter.ask(scripted, user("look"), _draft(first), returns(SEEN, failed), tools=(LOOK,))
        seen = scripted.requests[-1]
    assert (first.finish, second.content) == (Finish.TOOL_CALLS, (TextPart("done"),))
    assert [call for turn in seen.turns for call in turn.tool_calls] == ["call_1", "call_2"]
    assert [call for turn in seen.turns for call in turn.tool_returns] == ["call_1", "call_2"]
    assert "too dark" in json.dumps(seen.body)


SIGNED = Reply("let me see", tool_calls=TWO_CALLS[:1], reasoning="a light?", reasoning_signature="c2ln")
SIGNATURES = {"anthropic": "c2ln", "bedrock": "c2ln", "openai-responses": "c2ln"}
"""Provider to what it signs with; the others only get the words back."""

ROUND_TRIPS = [*SIGNATURES, "openai", "vllm", "sglang", "ollama"]


@pytest.mark.parametrize("provider", ROUND_TRIPS)
def test_reasoning_goes_back_to_its_maker_within_a_tool_loop(provider: str) -> None:
    adapter = Adapter(provider)
    with ScriptedModel(SIGNED, Reply("done")) as scripted:
        first = adapter.ask(scripted, user("look"), tools=(LOOK,), reasoning=Reasoning(is_on=True), max_tokens=9_000)
        thinking_on = {"reasoning": Reasoning(is_on=True), "max_tokens": 9_000}
        adapter.ask(scripted, user("look"), _draft(first), returns(SEEN), tools=(LOOK,), **thinking_on)
        seen = scripted.requests[-1]
    assert thoughts_in(seen.body) == [("a light?", SIGNATURES.get(provider, ""))]


@pytest.mark.parametrize("maker", ROUND_TRIPS)
@pytest.mark.parametrize("reader", ROUND_TRIPS)
def test_reasoning_goes_to_nobody_but_its_maker(maker: str, reader: str) -> None:
    if maker == reader:
        return
    with ScriptedModel(SIGNED, Reply("done")) as scripted:
        first = Adapter(maker).ask(scripted, user("look"), tools=(LOOK,))
        answer = Adapter(reader).ask(
            scripted, user("look"), _draft(first), returns(SEEN), tools=(LOOK,), reasoning=Reasoning(is_on=True)
        )
        seen = scripted.requests[-1]
    assert answer.content == (TextPart("done"),)
    assert thoughts_in(seen.body) == []
    assert "a light?" not in json.dumps(seen.body)


@pytest.mark.parametrize("provider", ["anthropic", "bedrock"])
@pytest.mark.parametrize(
    "reply",
    [
        replace(SIGNED, redacted_reasoning="b3BhcXVl"),
        replace(SIGNED, reasoning=""),
        replace(SIGNED, reasoning="", reasoning_signature=None, redacted_reasoning="b3BhcXVl"),
    ],
    ids=["redacted besides", "omitted", "redacted alone"],
)
def test_reasoning_that_is_not_shown_goes_back_all_the_same(provider: str, reply: Reply) -> None:
    adapter = Adapter(provider)
    expected = [(reply.reasoning, reply.reasoning_signature)] if reply.reasoning_signature else []
    expected += [("", reply.redacted_reasoning)] if reply.redacted_reasoning else []
    with ScriptedModel(reply, Reply("done")) as scripted:
        first = adapter.ask(scripted, user("look"), tools=(LOOK,))
        adapter.ask(scripted, user("look"), _draft(first), returns(SEEN), tools=(LOOK,))
        seen = scripted.requests[-1]
    assert thoughts_in(seen.body) == expected


@pytest.mark.parametrize("provider", ["anthropic", "bedrock", "openai", "openai-responses"])
def test_reasoning_of_clients_and_of_older_versions_goes_to_nobody(provider: str) -> None:
    unmarked: tuple[ContentPart, ...] = (ReasoningPart("hm", signature="forged"),)
    with ScriptedModel(Reply("taken")) as scripted:
        Adapter(provider).ask(scripted, user("hi"), assistant("yes", thoughts=unmarked), user("and?"))
        assert "forged" not in json.dumps(scripted.requests[-1].body)


def test_picture_of_the_user_is_shown(adapter: Adapter) -> None:
    with ScriptedModel(Reply("a dot")) as scripted:
        adapter.ask(scripted, MessageDraft(Role.USER, (TextPart("what is it?"), PNG)))
        assert pictures_in(scripted.requests[-1].body) == [PIXEL]


def test_picture_that_a_tool_gave_back_is_shown(adapter: Adapter) -> None:
    call = ToolCall("call_1", "look", "{}")
    with ScriptedModel(Reply("a dot")) as scripted:
        shown = replace(SEEN, images=(PNG,))
        adapter.ask(scripted, user("look"), assistant(calls=(call,)), returns(shown), user("well?"), tools=(LOOK,))
        seen = scripted.requests[-1]
    assert pictures_in(seen.body) == [PIXEL]
    assert [call_id for turn in seen.turns for call_id in turn.tool_returns] == ["call_1"]


def test_no_provider_is_asked_to_fetch(adapter: Adapter) -> None:
    with ScriptedModel(Reply("?")) as scripted:
        adapter.ask(scripted, MessageDraft(Role.USER, (ImagePart(UrlImage("http://10.0.0.1/a.png")),)))
        seen = scripted.requests[-1]
    assert pictures_in(seen.body) == []
    assert seen.texts_of("user") == ["[image: http://10.0.0.1/a.png]"]


def test_usage_is_counted_alike(adapter: Adapter) -> None:
    with ScriptedModel(Reply("hi", tokens=TokenCounts(prompt=1_000, completion=10, cached=700))) as scripted:
        usage = adapter.ask(scripted).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (1_000, 10, 1_010)
    assert usage.cached_input_tokens == 700


CHOICES = {
    "anthropic": (None, {"type": "any"}, {"type": "tool", "name": "look"}),
    "bedrock": (None, {"any": {}}, {"tool": {"name": "look"}}),
    "openai": (None, "required", {"type": "function", "function": {"name": "look"}}),
    "openai-responses": (None, "required", {"type": "function", "name": "look"}),
}


def test_call_can_be_demanded(adapter: Adapter) -> None:
    with ScriptedModel(*[Reply("ok")] * 4) as scripted:
        for choice in (None, "required", "look", "auto"):
            adapter.ask(scripted, tools=(LOOK,), tool_choice=choice)
        left, demanded, named, auto = (tool_choice_in(seen.body) for seen in scripted.requests)
    assert (left, demanded, named) == CHOICES[adapter.provider]
    assert auto in {None, "auto"}


@pytest.mark.parametrize("provider", ["openai", "openai-responses"])
def test_log_probabilities_come_in_one_shape(provider: str) -> None:
    adapter = Adapter(provider)
    with ScriptedModel(Reply("yes sir"), Reply("yes sir"), Reply("yes sir")) as scripted:
        answer = adapter.ask(scripted, top_logprobs=1)
        assert adapter.ask(scripted, top_logprobs=0).logprobs is not None
        assert adapter.ask(scripted).logprobs is None
    assert answer.logprobs is not None
    first, second = answer.logprobs["content"]
    assert first == {
        "token": "yes",
        "logprob": -0.25,
        "bytes": [121, 101, 115],
        "top_logprobs": [{"token": "yes0", "logprob": -5.0, "bytes": [121, 101, 115, 48]}],
    }
    assert (second["token"], second["logprob"], answer.logprobs["refusal"]) == (" sir", -0.5, None)


@pytest.mark.parametrize("provider", ["anthropic", "bedrock"])
def test_provider_without_log_probabilities_answers_without_them(provider: str) -> None:
    with ScriptedModel(Reply("yes")) as scripted:
        answer = Adapter(provider).ask(scripted, top_logprobs=3, wants_token_ids=True)
    assert (answer.content, answer.logprobs, answer.tokens) == ((TextPart("yes"),), None, None)
