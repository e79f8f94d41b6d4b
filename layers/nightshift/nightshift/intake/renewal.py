"""Renews what a conversation begins with: its system message, and the place from which its history counts."""

from dataclasses import dataclass, replace

from nightshift.clock import Clock
from nightshift.domain.errors import ConditionFailedError, ConflictError
from nightshift.domain.message import Message
from nightshift.intake.conversation_path import Place, agent_in
from nightshift.storage.database import Database
from nightshift.telemetry import logger


@dataclass(frozen=True, slots=True)
class Renewal:
    """Recompiles and resets conversations that were found."""

    database: Database
    clock: Clock

    def recompile(self, place: Place, *, is_kept: bool) -> str:
        """Return the system message that the agent's memory gives now, and put it into the conversation if asked."""
        lane = place.lane
        message = self._compile(place, lane.held_messages)
        if is_kept:
            self.database.transact([self.database.messages.replace_system(lane.tenant, lane.id, message)])
        return message.draft.text

    def reset(self, place: Place) -> None:
        """Let the conversation begin anew: nothing said before is shown or used, the system message is compiled again.

        Raises:
            ConflictError: a run is being executed or waits.
        """
        lane = place.lane
        message = self._compile(place, 0)
        system = self.database.messages.replace_system(lane.tenant, lane.id, message)
        try:
            self.database.transact([self.database.conversations.reset(lane), system])
        except ConditionFailedError as failed:
            detail = "CONFLICT: runs of this conversation are active; cancel them or wait until they have ended"
            raise ConflictError(detail) from failed
        logger.info("messages reset", agent_id=lane.agent_id, conversation_id=lane.id)

    def _compile(self, place: Place, held_messages: int) -> Message:
        """Return a new system message for the lane under the id of the present one, which cursors may name."""
        from nightshift.storage.system_message import compile_system_message  # noqa: PLC0415 -- only here

        lane = place.lane
        agent = agent_in(self.database, lane.tenant, lane.agent_id, place.description)
        message = compile_system_message(self.database, agent, lane.id, self.clock.now(), held_messages)
        present = self.database.messages.system_message(lane.tenant, lane.id)
        return replace(message, id=present.id) if present else message
