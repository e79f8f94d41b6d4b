"""A history as Messages and Converse want it: the user first, then by turns with the assistant."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal

from nightshift.domain.message import Message, MessageDraft, Role

type Speaker = Literal["user", "assistant"]

OPENING_TEXT: Final = "(The conversation before this point is not shown.)"
"""Stands for the user's part when the window begins with the assistant's."""

NO_OUTPUT_TEXT: Final = "(no output)"
"""Stands for a tool's empty result, which is refused."""

UNSPOKEN: Final = frozenset({Role.APPROVAL, Role.EVENT})
"""What an approval brings is told by the tool's return, and an event is for clients."""


def by_turns[Block](
    messages: Iterable[Message], blocks_of: Callable[[MessageDraft], Sequence[Block]], opening: Block
) -> list[tuple[Speaker, list[Block]]]:
    """Return who speaks and the blocks of it; what one says in several messages is one turn, empty ones are left out.

    Args:
        opening: the block that stands for `OPENING_TEXT`.
    """
    turns: list[tuple[Speaker, list[Block]]] = []
    for message in messages:
        blocks = blocks_of(message.draft)
        speaker: Speaker = "assistant" if message.role is Role.ASSISTANT else "user"
        if not blocks:
            continue
        if turns and turns[-1][0] == speaker:
            turns[-1][1].extend(blocks)
        else:
            turns.append((speaker, list(blocks)))
    return [("user", [opening]), *turns] if turns and turns[0][0] == "assistant" else turns
