"""The model call that makes a summary: which model, how much it is shown, what is tried when it refuses."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from nightshift.domain.compaction import CompactionSettings
from nightshift.domain.errors import ModelCallError
from nightshift.domain.message import Message, TextPart, Usage
from nightshift.execution.compaction_prompt import ask_about_transcript, ask_agent, clip, instructions
from nightshift.execution.context_window import CHARS_PER_TOKEN
from nightshift.execution.model_source import ModelSource
from nightshift.execution.step import OVERFLOW_ERROR
from nightshift.models.port import Model, ModelAnswer, ModelRequest
from nightshift.telemetry import logger

type Ask = Callable[[Model, ModelRequest], ModelAnswer]

SMALL_MODELS: Final = MappingProxyType({"openai": "openai/gpt-5-mini", "anthropic": "anthropic/claude-haiku-4-5"})
"""Provider to the model that summarises by default (letta_api_spec §3.9); of other providers the agent's own."""

SHOWN_SHARE: Final = 0.7
"""Part of the window that a transcript may take: the rest is for instructions, the summary and the estimate's error."""

MOST_CUTS: Final = 3
"""Times that a transcript is halved because it was still too long."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What a summarising call came to; `handle` and `endpoint` are those of the model that answered."""

    text: str
    usage: Usage
    handle: str
    endpoint: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """What is to be summarised for whom.

    Attributes:
        own_model: handle of the model that the agent works with in this run.
        system: the agent's system prompt, which it sees when it summarises itself.
        factor: real tokens per estimated one.
    """

    settings: CompactionSettings
    evicted: Sequence[Message]
    own_model: str
    system: str
    window_tokens: int
    factor: float
    timeout_seconds: float


def summarize(source: ModelSource, assignment: Assignment, ask: Ask) -> Summary:
    """Ask for the summary: the model of the settings first, then the agent's own.

    Args:
        ask: makes one call; an agent that summarises itself may see pictures, which have to be fetched.

    Raises:
        ModelCallError: no model gave one.
    """
    handles = list(_handles(source, assignment))
    for handle in handles[:-1]:
        try:
            return _ask(source, assignment, ask, handle)
        except ModelCallError as error:
            logger.warning("summary refused, the agent's model is asked", model=handle, error_type=error.error_type)
    return _ask(source, assignment, ask, handles[-1])


def _handles(source: ModelSource, assignment: Assignment) -> Iterator[str]:
    own, settings = assignment.own_model, assignment.settings
    provider = own.partition("/")[0]
    # A server of the owner's own speaks the provider's protocol, but has models of its own.
    default = None if source.has_own_address(provider) else SMALL_MODELS.get(provider)
    chosen = settings.model or default
    if chosen and chosen != own and not settings.mode.is_by_agent:
        yield chosen
    yield own


def _ask(source: ModelSource, assignment: Assignment, ask: Ask, handle: str) -> Summary:
    """Ask one model; show it less as long as it says that this is too much."""
    max_chars = int(assignment.window_tokens * SHOWN_SHARE * CHARS_PER_TOKEN / max(1.0, assignment.factor))
    model = source.model(handle)
    for cuts in range(MOST_CUTS + 1):
        try:
            answer = ask(model, _request(assignment, handle, max_chars >> cuts, as_agent=cuts == 0))
        except ModelCallError as error:
            if error.error_type != OVERFLOW_ERROR or cuts == MOST_CUTS:
                raise
        else:
            return _summary_of(answer, assignment.settings, handle, model.endpoint)
    raise AssertionError("unreachable: the last cut either returns or raises")


def _request(assignment: Assignment, handle: str, max_chars: int, *, as_agent: bool) -> ModelRequest:
    """Return the call; an agent for whom its own messages are too much reads a transcript like any other model."""
    settings = assignment.settings
    if settings.mode.is_by_agent and as_agent:
        system, messages = assignment.system, ask_agent(assignment.evicted, settings)
    else:
        messages = ask_about_transcript(assignment.evicted, settings, max_chars)
        system = "" if settings.prompt_acknowledgement else instructions(settings)
    chosen: dict[str, Any] = settings.model_settings or {}
    return ModelRequest(
        model=handle.partition("/")[2],
        system=system,
        messages=tuple(messages),
        timeout_seconds=assignment.timeout_seconds,
        max_tokens=chosen.get("max_output_tokens"),
        temperature=chosen.get("temperature"),
    )


def _summary_of(answer: ModelAnswer, settings: CompactionSettings, handle: str, endpoint: str | None) -> Summary:
    text = "\n".join(part.text for part in answer.content if isinstance(part, TextPart)).strip()
    if not text:
        raise ModelCallError(f"{handle} answered no summary; choose another model", error_type="LLMResponseError")
    return Summary(clip(text, settings.clip_chars), answer.usage, handle, endpoint, answer.request_id)
