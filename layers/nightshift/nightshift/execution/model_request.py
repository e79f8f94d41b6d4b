"""What one model call of a run is sent, with the pictures that it shows."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from nightshift.clock import Clock
from nightshift.deadline import Deadline
from nightshift.domain.content import ImagePart
from nightshift.domain.errors import ModelCallError
from nightshift.domain.message import Message, ToolSchema
from nightshift.execution.context_window import keep_newest, room_for_messages, shorten_returns
from nightshift.execution.model_source import ModelSource
from nightshift.execution.run_state import RunState
from nightshift.models.port import Model, ModelAnswer, ModelRequest, Reasoning

PICTURE_ERRORS: Final = frozenset({"LLMBadRequestError", "LLMUnprocessableEntityError"})
"""`error_type` of what a provider answers to a picture that it can't read, among other things."""


def to_request(
    state: RunState, handle: str, tools: tuple[ToolSchema, ...], timeout_seconds: float, tool_choice: str | None
) -> ModelRequest:
    """Return the request of the run's next model call, as its agent and its own fields want it."""
    agent, asked = state.require_agent(), state.request
    room = room_for_messages(agent.context_window_tokens, state.system)
    return ModelRequest(
        model=handle.partition("/")[2],
        system=state.system,
        messages=keep_newest(shorten_returns(state.context, agent.context_window_tokens), room),
        timeout_seconds=timeout_seconds,
        tools=tools,
        tool_choice=tool_choice,
        parallel_tool_calls=None if agent.parallel_tool_calls else False,
        max_tokens=agent.max_output_tokens,
        temperature=agent.temperature,
        reasoning=reasoning_of(asked.enable_thinking, agent.model_settings),
        response_format=_format_of(agent.response_format),
        top_logprobs=(asked.top_logprobs or 0) if asked.return_logprobs else None,
        wants_token_ids=asked.return_token_ids,
    )


def reasoning_of(enable_thinking: str, settings: Mapping[str, Any]) -> Reasoning:
    """Return how the model is to reason.

    Args:
        enable_thinking: of the request. `false` switches it off; everything else leaves it to the agent, since most
            models refuse to be told to think.
        settings: the agent's `model_settings`, whose words differ from provider to provider.
    """
    if enable_thinking == "false":
        return Reasoning(is_on=False)
    thinking, google = settings.get("thinking"), settings.get("thinking_config") or {}
    is_on = thinking.get("type", "enabled") == "enabled" if thinking else None
    effort = settings.get("effort") or (settings.get("reasoning") or {}).get("reasoning_effort")
    budget = (thinking or {}).get("budget_tokens") or google.get("thinking_budget")
    return Reasoning(is_on, effort, budget)


def _format_of(response_format: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the format, None for plain text, which every model answers in anyway."""
    return response_format if response_format and response_format.get("type") != "text" else None


def ask(model: Model, request: ModelRequest, state: RunState, source: ModelSource, clock: Clock) -> ModelAnswer:
    """Ask the model, with every picture that is at an address fetched before; its time is part of the call's.

    A provider that refuses the request is asked once more without the pictures of earlier runs: one that it can't read
    must not end every run of the agent from then on.

    Raises:
        ModelCallError: no usable answer, or a picture of this run that can't be had.
    """
    if not any(map(_shows_pictures, request.messages)):
        return model.complete(request)
    from nightshift.execution.images import ImageFetcher, without_earlier_images  # noqa: PLC0415 -- few runs need it

    deadline = Deadline.after(request.timeout_seconds, clock)
    fetcher = ImageFetcher.connect(clock, allow_private=source.allow_private_images)
    messages = fetcher.show(request.messages, state.run.id, state.fetched_images)
    try:
        return model.complete(replace(request, messages=messages, timeout_seconds=deadline.remaining_seconds()))
    except ModelCallError as error:
        told = without_earlier_images(messages, state.run.id)
        if error.error_type not in PICTURE_ERRORS or told == messages:
            raise
    return model.complete(replace(request, messages=told, timeout_seconds=deadline.remaining_seconds()))


def _shows_pictures(message: Message) -> bool:
    draft = message.draft
    return any(isinstance(part, ImagePart) for part in draft.content) or any(one.images for one in draft.tool_returns)
