"""What a conversation's place in a path means: `conv-…`, `agent-…`, or `default` with an agent named beside it."""

from dataclasses import dataclass

from nightshift.domain import ids
from nightshift.domain.agent import Agent
from nightshift.domain.conversation import Conversation
from nightshift.domain.description import Description
from nightshift.domain.errors import InvalidRequestError, NotFoundError
from nightshift.storage.database import Database


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation that exists.

    Attributes:
        lane: what executes it, and where its messages are.
        description: what clients say about it; None for an agent's default conversation.
    """

    lane: Conversation
    description: Description | None

    def require_description(self) -> Description:
        """Return the description.

        Raises:
            InvalidRequestError: it is an agent's default conversation, which lives and goes with its agent.
        """
        if self.description is None:
            raise InvalidRequestError("an agent's default conversation can't be changed apart from its agent")
        return self.description


def is_conversation_id(value: str) -> bool:
    """Tell whether a path may hold this value; says nothing about whether it exists."""
    return value == "default" or any(ids.is_well_formed(prefix, value) for prefix in ("conv", "agent"))


def find_place(database: Database, tenant: str, conversation_id: str, agent_id: str | None = None) -> Place:
    """Return the conversation that a well-formed path value names.

    Raises:
        InvalidRequestError: `default` of no agent.
        NotFoundError: this tenant has no such conversation.
    """
    if ids.is_well_formed("conv", conversation_id):
        return _described(database, tenant, conversation_id)
    if conversation_id == "default":
        if agent_id is None:
            raise InvalidRequestError("agent_id is required when the conversation is 'default'")
        conversation_id = agent_id
    lane = database.conversations.get(tenant, conversation_id)
    if lane is None or lane.is_deleted:
        raise NotFoundError(f"Agent with ID {conversation_id} not found")
    return Place(lane, None)


def agent_in(database: Database, tenant: str, agent_id: str, description: Description | None) -> Agent:
    """Return the agent as it works in the conversation with this description.

    Raises:
        NotFoundError: this tenant has no such agent.
    """
    agent = database.agents.get(tenant, agent_id)
    if agent is None:
        raise NotFoundError(f"Agent with ID {agent_id} not found")
    return description.adapt(agent) if description else agent


def _described(database: Database, tenant: str, conversation_id: str) -> Place:
    """Find a conversation of its own; one whose agent is being deleted is gone already."""
    description = database.descriptions.get(tenant, conversation_id)
    if description is not None:
        wanted = (conversation_id, description.agent_id)
        lanes = {lane.id: lane for lane in database.conversations.get_many(tenant, wanted) if not lane.is_deleted}
        if len(lanes) == len(wanted):
            return Place(lanes[conversation_id], description)
    raise NotFoundError(f"Conversation not found: {conversation_id}")
