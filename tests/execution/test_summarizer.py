"""Which model is asked for a summary, with how much to read (letta_api_spec §3.9)."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from nightshift.domain import ids
from nightshift.domain.compaction import CompactionSettings, Mode
from nightshift.domain.errors import ModelCallError
from nightshift.domain.message import Message, MessageDraft, Role, TextPart, ToolReturn, Usage
from nightshift.execution.compaction_prompt import MAX_RETURN_CHARS, transcribe
from nightshift.execution.summarizer import Assignment, Summary, summarize
from nightshift.models.port import Finish, ModelAnswer, ModelRequest

NOW = datetime(2027, 2, 3, tzinfo=UTC)


def message(draft: MessageDraft) -> Message:
    return Message(ids.message_id(1), 1, NOW, draft)


def words(text: str) -> Message:
    return message(MessageDraft(Role.USER, (TextPart(text),)))


ASSIGNMENT = Assignment(
    settings=CompactionSettings(),
    evicted=(words("x" * 10_000),),
    own_model="openai/own",
    system="Be brief.",
    window_tokens=1_000,
    factor=1.0,
    timeout_seconds=10,
)


@dataclass
class Models:
    """A source of one model that takes transcripts up to a length, unless its provider is not there at all."""

    is_placed: bool = False
    most_chars: int = 10**9
    missing: frozenset[str] = frozenset()
    asked: list[ModelRequest] = field(default_factory=list)
    handles: list[str] = field(default_factory=list)
    endpoint: str | None = None
    answer: str = "In short."

    def has_own_address(self, provider: str) -> bool:
        return self.is_placed

    def model(self, handle: str) -> "Models":
        self.handles.append(handle)
        if handle in self.missing:
            raise ModelCallError("not here", error_type="LLMNotFoundError")
        return self

    def complete(self, request: ModelRequest) -> ModelAnswer:
        self.asked.append(request)
        if sum(len(one.draft.text) for one in request.messages) > self.most_chars:
            raise ModelCallError("too long", error_type="LLMContextWindowExceededError")
        return ModelAnswer((TextPart(self.answer),), (), Finish.STOP, Usage())


def ask(models: Models, assignment: Assignment = ASSIGNMENT) -> Summary:
    return summarize(models, assignment, lambda model, request: model.complete(request))  # type: ignore[arg-type]  # only what is called


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("openai/gpt-5", "openai/gpt-5-mini"),
        ("anthropic/claude-opus-4-5", "anthropic/claude-haiku-4-5"),
        ("bedrock/amazon.nova-pro-v1:0", "bedrock/amazon.nova-pro-v1:0"),
        ("openai/gpt-5-mini", "openai/gpt-5-mini"),
    ],
)
def test_small_model_of_the_provider_summarises_by_default(own: str, expected: str) -> None:
    assert ask(Models(), replace(ASSIGNMENT, own_model=own)).handle == expected


def test_server_of_the_owners_own_is_asked_for_the_agents_model() -> None:
    assert ask(Models(is_placed=True)).handle == "openai/own"


def test_agents_model_stands_in_for_one_that_is_missing() -> None:
    models = Models(missing=frozenset({"openai/gpt-5-mini"}))
    assert ask(models).handle == "openai/own"
    assert models.handles == ["openai/gpt-5-mini", "openai/own"]


@pytest.mark.parametrize("mode", [Mode.SELF_ALL, Mode.SELF_SLIDING_WINDOW])
def test_agent_that_summarises_itself_is_asked_with_its_own_prompt(mode: Mode) -> None:
    models = Models()
    assert (
        ask(models, replace(ASSIGNMENT, settings=CompactionSettings(mode, model="openai/other"))).handle == "openai/own"
    )
    (request,) = models.asked
    assert (request.system, request.messages[0]) == ("Be brief.", ASSIGNMENT.evicted[0])


def test_transcript_is_halved_until_it_fits() -> None:
    models = Models(is_placed=True, most_chars=900)
    assert ask(models).text == "In short."
    assert len(models.asked) == 3


def test_agent_for_whom_its_own_messages_are_too_much_reads_a_transcript() -> None:
    models = Models(most_chars=3_000)
    ask(models, replace(ASSIGNMENT, settings=CompactionSettings(Mode.SELF_ALL)))
    assert [request.messages[-1].draft.text.startswith("<transcript>") for request in models.asked] == [False, True]


def test_model_that_takes_nothing_is_given_up() -> None:
    models = Models(is_placed=True, most_chars=10)
    with pytest.raises(ModelCallError):
        ask(models)
    assert len(models.asked) == 4


def test_empty_answer_is_no_summary() -> None:
    with pytest.raises(ModelCallError, match="no summary"):
        ask(Models(is_placed=True, answer=" \n"))


def test_transcript_keeps_its_beginning_and_its_end() -> None:
    shown = transcribe([words("first " + "x" * 1_000), words("y" * 1_000 + " last")], 400)
    assert shown.startswith("[user]\nfirst ")
    assert shown.endswith(" last")
    assert len(shown) < 500


def test_transcript_cuts_long_returns() -> None:
    returned = ToolReturn("call-1", "look_up", "z" * 20_000, status="error")
    shown = transcribe([message(MessageDraft(Role.TOOL, tool_returns=(returned,)))], 10**6)
    assert shown.startswith("[look_up returned, error]\n")
    assert MAX_RETURN_CHARS < len(shown) < MAX_RETURN_CHARS + 50
