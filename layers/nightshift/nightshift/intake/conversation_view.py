"""Conversations as the API shows them (letta_api_spec §5.2)."""

from dataclasses import dataclass
from datetime import datetime

from nightshift.clock import to_iso
from nightshift.domain.description import Description
from nightshift.domain.display import Json


@dataclass(frozen=True, slots=True)
class ConversationView:
    """A conversation with what its lane knows of it.

    Attributes:
        last_run_at: when its newest run ended.
        message_ids: its system message and its newest ones; None where they are not read.
    """

    description: Description
    last_run_at: datetime | None = None
    message_ids: tuple[str, ...] | None = None


def show_conversation(view: ConversationView) -> Json:
    """Show a conversation."""
    one = view.description
    last_message_at = one.last_message_at or view.last_run_at
    return {
        "id": one.id,
        "agent_id": one.agent_id,
        "created_at": to_iso(one.created_at),
        "updated_at": to_iso(one.updated_at),
        "summary": one.summary,
        "description": one.description,
        "model": one.model,
        "model_settings": one.model_settings,
        "context_window_limit": one.context_window_tokens,
        "archived": one.archived_at is not None,
        "archived_at": to_iso(one.archived_at) if one.archived_at else None,
        "last_message_at": to_iso(last_message_at) if last_message_at else None,
        "in_context_message_ids": None if view.message_ids is None else list(view.message_ids),
        "isolated_block_ids": [],
        "hidden": one.is_hidden,
    }
