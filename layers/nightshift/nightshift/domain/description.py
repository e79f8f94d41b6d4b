"""What clients say about a conversation, apart from the lane that executes it (domain/conversation.py)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from nightshift.domain.agent import Agent

_SETTINGS_OF_AGENT: Final = ("max_output_tokens", "temperature", "parallel_tool_calls", "response_format")
"""Of the API's `model_settings`: fields that an agent has of its own."""


@dataclass(frozen=True, slots=True)
class Description:
    """The description of one `conv-` conversation; an agent's default conversation has none.

    Attributes:
        model, model_settings, context_window_tokens: used instead of the agent's in this conversation; None for the
            agent's.
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
        given: dict[str, Any] = {}
        if self.model_settings is not None:
            settings = {name: value for name, value in self.model_settings.items() if value is not None}
            given = {name: settings.pop(name) for name in _SETTINGS_OF_AGENT if name in settings}
            given["model_settings"] = settings
        return replace(
            agent,
            model=self.model or agent.model,
            context_window_tokens=self.context_window_tokens or agent.context_window_tokens,
            **given,
        )
