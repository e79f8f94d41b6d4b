"""How stored things look to clients of the API (letta_api_spec §2, §4): plain JSON values.

One stored assistant message is shown as several that share its id, in the order reasoning, text, tool call; their
otids count from 0 in the last digits. The callback shows the same messages as the run does, so both use this module.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from nightshift.domain import display_parts as parts
from nightshift.domain import ids
from nightshift.domain.callback import CallbackDelivery
from nightshift.domain.message import Message, MessageDraft, Role, Usage
from nightshift.domain.run import DisplayConfig, Run

if TYPE_CHECKING:
    from nightshift.domain.step_outputs import StepOutputs

type Json = dict[str, Any]

_DEFAULT = DisplayConfig()

MAX_RESULT_MESSAGES = 100
"""Messages that a callback shows: as many as the run's messages show by default (letta_api_spec §2.4)."""


def show_messages(messages: Iterable[Message], display: DisplayConfig) -> list[Json]:
    """Show messages in their order, only of the types that `display` asks for."""
    return list(_wanted_parts(messages, display))


def _wanted_parts(messages: Iterable[Message], display: DisplayConfig) -> Iterator[Json]:
    wanted = display.include_return_message_types
    shown = (part for message in messages for part in show_message(message, display))
    return (part for part in shown if wanted is None or part["message_type"] in wanted)


def show_message(message: Message, display: DisplayConfig = _DEFAULT) -> list[Json]:
    """Show one stored message as the one or more messages of the API, none for what is hidden."""
    return [] if message.draft.is_hidden else _show_message(message, display)


def _show_message(message: Message, display: DisplayConfig) -> list[Json]:
    draft = message.draft
    match message.role:
        case Role.SYSTEM:
            return [_common(message, "system_message", draft.otid) | {"content": parts.show_words(draft)}]
        case Role.USER:
            said = _common(message, "user_message", draft.otid) | {"content": parts.show_content(draft.content)}
            return [said, *_numbered(message, parts.show_reasoning(draft), first=1)]
        case Role.APPROVAL:
            return [_common(message, "approval_response_message", None) | parts.show_approvals(draft.approvals)]
        case Role.ASSISTANT:
            shown = _assistant_parts(draft, display)
        case Role.TOOL:
            returns = parts.without_answers(draft, display).tool_returns
            shown = iter([("tool_return_message", parts.show_returns(returns))] if returns else [])
        case Role.SUMMARY:
            shown = iter([("summary_message", parts.show_summary(draft))])
        case Role.EVENT:
            shown = iter([("event_message", parts.show_event(draft.compaction))])
    return _numbered(message, shown)


def _numbered(message: Message, shown: Iterable[tuple[str, Json]], first: int = 0) -> list[Json]:
    """Give each part of a message its otid: its number in the last digits, but an approval's is the message's id."""
    return [
        _common(message, kind, message.id if kind == "approval_request_message" else ids.displayed_otid(message.id, n))
        | fields
        for n, (kind, fields) in enumerate(shown, first)
    ]


def _common(message: Message, message_type: str, otid: str | None) -> Json:
    return {
        "id": message.id,
        "date": message.created_at.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "name": message.draft.name,
        "message_type": message_type,
        "otid": otid,
        "sender_id": message.draft.sender_id,
        "step_id": message.step_id,
        "is_err": None,
        "seq_id": None,
        "run_id": message.run_id,
    }


def _assistant_parts(draft: MessageDraft, display: DisplayConfig) -> Iterator[tuple[str, Json]]:
    yield from parts.show_reasoning(draft)
    answers, rest = parts.take_answers(draft, display)
    for words in (parts.show_words(draft), *answers):
        if words:
            yield "assistant_message", {"content": words}
    yield from parts.show_calls(rest)


def is_unseen_in_run(message: Message) -> bool:
    """Tell whether a run's own messages leave this one out: a summary whose client did not ask to see it."""
    return message.is_summary and message.role is Role.USER


def show_metadata(run: Run) -> Json:
    """Show the run's `metadata`; the error's text is part of it once the run has failed."""
    return {"run_type": run.kind.value, "lettuce": None} | ({"error": run.error} if run.error else {})


def show_usage_statistics(run: Run) -> Json:
    """Show the run's usage as a LettaResponse holds it."""
    usage = run.usage
    return {
        "message_type": "usage_statistics",
        "completion_tokens": usage.completion_tokens,
        "prompt_tokens": usage.prompt_tokens,
        "total_tokens": usage.total_tokens,
        "step_count": run.step_count,
        "run_ids": [run.id],
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "context_tokens": None,
    }


def show_usage(usage: Usage) -> Json:
    """Show token counts as runs and steps do."""
    return {
        "completion_tokens": usage.completion_tokens,
        "prompt_tokens": usage.prompt_tokens,
        "total_tokens": usage.total_tokens,
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_input_tokens,
            "cache_read_tokens": usage.cached_input_tokens,
            "cache_creation_tokens": usage.cache_write_tokens,
        },
    }


def show_result(
    run: Run, delivery: CallbackDelivery, messages: Iterable[Message], outputs: "Sequence[StepOutputs]" = ()
) -> Json:
    """Show what the run came to as the callback's `metadata.result`, a LettaResponse.

    The stop reason is the delivery's, so that every attempt says the same. `messages` are read no further than shown.
    """
    messages = (message for message in messages if not is_unseen_in_run(message))
    return {
        "messages": list(islice(_wanted_parts(messages, run.display), MAX_RESULT_MESSAGES)),
        "stop_reason": {"message_type": "stop_reason", "stop_reason": delivery.stop_reason.value},
        "usage": show_usage_statistics(run),
        **show_outputs(outputs),
    }


def show_outputs(outputs: "Sequence[StepOutputs]") -> Json:
    """Show the log probabilities of the last answer and the turns of the whole run, steps in their order."""
    turns = [turn for step in outputs for turn in step.turns]
    return {"logprobs": outputs[-1].logprobs if outputs else None, "turns": turns or None}
