"""Which messages of a context give way to a summary, and which stay (letta_api_spec §3.9). Pure.

A cut lies before a message of the assistant, so that calls and their returns are never parted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from nightshift.domain.compaction import CompactionSettings, Trigger
from nightshift.domain.message import Message, Role
from nightshift.execution.context_window import CHARS_PER_TOKEN, estimate_tokens

SHARE_PER_TRY = 0.1
"""Of the context: what each try evicts beyond the one before."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Estimates brought in line with what the provider counted.

    Attributes:
        factor: provider's tokens per estimated one.
        system_tokens: of the system prompt, as estimated.
    """

    window_tokens: int
    factor: float
    system_tokens: int

    @classmethod
    def of(cls, messages: Sequence[Message], system: str, window_tokens: int, counted_tokens: int) -> "Scale":
        """Compare the estimate of a context with the provider's count, 0 where there is none."""
        system_tokens = len(system) // CHARS_PER_TOKEN
        estimated = system_tokens + sum(map(estimate_tokens, messages))
        return cls(window_tokens, counted_tokens / max(1, estimated) if counted_tokens else 1.0, system_tokens)

    def tokens(self, messages: Sequence[Message]) -> int:
        """Return what these messages take of the window together with the system prompt."""
        return int((self.system_tokens + sum(map(estimate_tokens, messages))) * self.factor)


@dataclass(frozen=True, slots=True)
class Cut:
    """A context in two: what is summarised, and what stays as it is."""

    evicted: tuple[Message, ...]
    kept: tuple[Message, ...]


def cut_context(context: Sequence[Message], settings: CompactionSettings, scale: Scale, trigger: Trigger) -> Cut | None:
    """Return what gives way, None when nothing could be won.

    On request the messages must become fewer, otherwise smaller: one large message may give way to its summary.
    """
    fewest = 2 if trigger is Trigger.MANUAL else 1
    cuts = [_slide(context, settings, scale, fewest)] if settings.mode.keeps_newest else []
    for cut in [*cuts, _cut_at(context, _end(context), fewest)]:
        if cut is not None:
            return cut
    return None


def _slide(context: Sequence[Message], settings: CompactionSettings, scale: Scale, fewest: int) -> Cut | None:
    """Evict more and more of the oldest messages until the rest fits."""
    goal_tokens = (1 - settings.sliding_window_percentage) * scale.window_tokens
    share = settings.sliding_window_percentage
    while share < 1:
        share += SHARE_PER_TRY
        cut = _cut_at(context, _boundary(context, round(share * len(context))), fewest)
        if cut is not None and scale.tokens(cut.kept) <= goal_tokens:
            return cut
    return None


def _boundary(context: Sequence[Message], place: int) -> int:
    """Return the nearest place at or before this one where a message of the assistant begins, 0 for none."""
    for at in range(min(place, len(context) - 1), 0, -1):
        if context[at].role is Role.ASSISTANT:
            return at
    return 0


def _end(context: Sequence[Message]) -> int:
    """Return the place after the last message that may go: calls that nobody answered yet stay."""
    return len(context) - 1 if context and context[-1].draft.tool_calls else len(context)


def _cut_at(context: Sequence[Message], place: int, fewest: int) -> Cut | None:
    evicted, kept = tuple(context[:place]), tuple(context[place:])
    is_worth_it = len(evicted) >= fewest and not all(message.is_summary for message in evicted)
    return Cut(evicted, kept) if is_worth_it else None
