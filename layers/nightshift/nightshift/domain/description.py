"""What clients say about a conversation, apart from the lane that executes it (domain/conversation.py)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from nightshift.domain.agent import Agent


@dataclass(frozen=True, slots=True)
class Description:
    """The description of one `conv-` conversation; an agent's default conversation has none.

    Attributes:
        model, context_window_tokens: used instead of the agent's in this conversation; None for the agent's.
        last_message_at: as a client set it; None leaves it to the newest run.
    """

    id: str
    tenant: str
    agent_id: str
    created_at: datetime
    updated_at: datetime
    summary: str | None = None
    description: str | None = None
    model: str | None = None
    model_settings: dict[str, Any] | None = None
    context_window_tokens: int | None = None
    archived_at: datetime | None = None
    last_message_at: datetime | None = None
    is_hidden: bool = False

    def adapt(self, agent: Agent) -> Agent:
        """Return the agent as it works in this conversation."""
        return replace(
            agent,
            model=self.model or agent.model,
            context_window_tokens=self.context_window_tokens or agent.context_window_tokens,
        )
