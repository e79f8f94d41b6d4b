"""What the API shows once all is settled, in the words that the verdict needs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from letta_client import Letta

from chaos.load import Load
from support.receiver import ReceivedRequest


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """One message of an agent's history.

    Attributes:
        call_ids: of the tool calls that it makes, or that it returns.
    """

    id: str
    type: str
    run_id: str
    step_id: str | None
    text: str
    call_ids: tuple[str, ...]

    @classmethod
    def of(cls, shown: Mapping[str, Any]) -> Self:
        """Read what `model_dump` gives of any of the SDK's messages."""
        calls = shown.get("tool_calls") or []
        returns = shown.get("tool_returns") or []
        text = "".join(one["arguments"] for one in calls) + "".join(str(one["tool_return"]) for one in returns)
        return cls(
            id=shown["id"],
            type=shown["message_type"],
            run_id=shown.get("run_id") or "",
            step_id=shown.get("step_id"),
            text=str(shown.get("content") or text),
            call_ids=tuple(one["tool_call_id"] for one in [*calls, *returns]),
        )


@dataclass(frozen=True, slots=True)
class AgentOutcome:
    """One agent after the storm.

    Attributes:
        accepted: ids of its runs in the order in which its client got them.
        statuses: of all runs that the API lists for it, oldest first.
        steps: ids of the steps of each run.
        history: its messages, oldest first, without the system message.
    """

    accepted: tuple[str, ...]
    statuses: Mapping[str, str]
    steps: Mapping[str, tuple[str, ...]]
    history: tuple[ShownMessage, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All agents, and what arrived at the receiver.

    Attributes:
        callbacks: `webhook-id`s by run, of the callbacks whose signature is right.
        forged: callbacks whose signature is wrong, or that say something else than the run.
        effects: how often a tool's effect was asked for, by its key.
    """

    agents: tuple[AgentOutcome, ...]
    callbacks: Mapping[str, frozenset[str]]
    forged: int
    effects: Mapping[str, int]


def read_agent(letta: Letta, load: Load, agent_id: str) -> AgentOutcome:
    """Ask the API for everything of one agent."""
    accepted = tuple(load.accepted[post] for post in sorted(load.accepted) if post[0] == agent_id)
    runs = list(letta.runs.list(agent_id=agent_id, order="asc", limit=100))
    shown = letta.agents.messages.list(agent_id, order="asc", limit=100)
    history = [ShownMessage.of(message.model_dump()) for message in shown]
    return AgentOutcome(
        accepted=accepted,
        statuses={run.id: str(run.status) for run in runs},
        steps={run.id: tuple(step.id for step in letta.runs.steps.list(run.id)) for run in runs},
        history=tuple(message for message in history if message.type != "system_message"),
    )


def count_effects(requests: Iterable[ReceivedRequest]) -> dict[str, int]:
    """Return how often each key was sent."""
    counts: dict[str, int] = {}
    for request in requests:
        key = request.headers["idempotency-key"]
        counts[key] = counts.get(key, 0) + 1
    return counts
