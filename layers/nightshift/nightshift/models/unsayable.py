"""What every adapter says where a message holds nothing that a provider takes: an empty one is refused by all."""

from typing import Final

from nightshift.domain.content import TextPart, in_words
from nightshift.domain.message import MessageDraft

UNREADABLE_TEXT: Final = "(This message holds nothing that can be shown here.)"


def is_unreadable(draft: MessageDraft) -> bool:
    """Tell whether the message has content, yet none that can be said in words; an empty text is no content."""
    return any(not isinstance(part, TextPart) for part in draft.content) and not any(map(in_words, draft.content))
