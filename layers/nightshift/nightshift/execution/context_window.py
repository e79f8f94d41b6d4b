"""What of a conversation a model call sees: a bounded number of the newest messages, after a summary (promise 10).

Tokens are estimated from characters, since every provider counts differently and the exact count comes only with the
answer. The provider's count decides when a context is compacted; the estimate only bounds what is read and sent.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from nightshift.domain.content import ImagePart, ReasoningPart, in_words
from nightshift.domain.message import Message, Role
from nightshift.domain.tool import cut_return

CHARS_PER_TOKEN = 4
"""Characters of English text per token; code has more, other languages have fewer."""

MOST_WINDOWS = 2
"""Estimated windows that are read and sent at the most. More than one, since what is left out here is lost without a
summary: where the estimate is twice the truth, the provider must still be the one to say that the window is full."""

FULL_SHARE = 0.9
"""Part of the window that a step may take before the context is compacted (letta_api_spec §3.9)."""

IMAGE_TOKENS = 1_600
"""What providers count for a large picture, which they scale down to about 1.15 megapixels; its bytes don't matter."""

RETURN_SHARE = 0.2
MIN_RETURN_CHARS = 5_000
"""What a model sees of one tool's return: this part of the window, and no less than so many characters (§3.4)."""

MESSAGE_OVERHEAD_TOKENS = 8
"""What a message costs beside its text."""


def estimate_tokens(message: Message) -> int:
    """Estimate what a message takes of the window."""
    draft = message.draft
    images = sum(isinstance(part, ImagePart) for part in draft.content)
    images += sum(len(tool_return.images) for tool_return in draft.tool_returns)
    chars = sum(len(in_words(part)) for part in draft.content)
    chars += sum(len(part.reasoning) for part in draft.content if isinstance(part, ReasoningPart))
    chars += sum(len(call.name) + len(call.arguments) for call in draft.tool_calls)
    chars += sum(len(tool_return.text) for tool_return in draft.tool_returns)
    return chars // CHARS_PER_TOKEN + images * IMAGE_TOKENS + MESSAGE_OVERHEAD_TOKENS


def room_for_messages(context_window_tokens: int, system: str) -> int:
    """Return the tokens that messages may take beside this system prompt; 0 when the prompt fills the window."""
    return max(0, context_window_tokens * MOST_WINDOWS - len(system) // CHARS_PER_TOKEN)


def is_full(step_tokens: int, context_window_tokens: int) -> bool:
    """Tell whether a step that took this many tokens leaves too little of the window for the next one."""
    return step_tokens > int(context_window_tokens * FULL_SHARE)


def take_newest(newest_first: Iterable[Message], room_tokens: int) -> tuple[Message, ...]:
    """Return the newest messages that fit, oldest first; consumes no more of the iterable than that.

    The newest message is always taken. A tool's returns are never taken without the calls they answer.
    """
    taken: list[Message] = []
    for message in newest_first:
        room_tokens -= estimate_tokens(message)
        if taken and room_tokens < 0:
            break
        taken.append(message)
    return _without_orphans(taken[::-1])


def keep_newest(messages: Sequence[Message], room_tokens: int) -> tuple[Message, ...]:
    """Return the end of `messages`, oldest first, that fits; a summary at their beginning stays there."""
    pinned = messages[:1] if messages and messages[0].draft.compaction else ()
    room_tokens -= sum(map(estimate_tokens, pinned))
    return (*pinned, *take_newest(reversed(messages[len(pinned) :]), room_tokens))


def shorten_returns(messages: Sequence[Message], context_window_tokens: int) -> list[Message]:
    """Return the messages as a model sees them: one tool's return takes no more than its share of the window."""
    limit_chars = max(MIN_RETURN_CHARS, int(context_window_tokens * RETURN_SHARE) * CHARS_PER_TOKEN)
    return [_with_returns_within(limit_chars, message) for message in messages]


def _with_returns_within(limit_chars: int, message: Message) -> Message:
    returns = message.draft.tool_returns
    if all(len(given.text) <= limit_chars for given in returns):
        return message
    shortened = tuple(replace(given, text=cut_return(given.text, limit_chars)) for given in returns)
    return replace(message, draft=replace(message.draft, tool_returns=shortened))


def _without_orphans(messages: list[Message]) -> tuple[Message, ...]:
    start = 0
    while start < len(messages) - 1 and messages[start].role in {Role.TOOL, Role.APPROVAL}:
        start += 1
    return tuple(messages[start:])
