"""What was done so far in one turn: a run, with the runs before it that paused and that it goes on from.

A turn is bounded by the steps of its runs, not by the history; it is read where rules or the agent ask for it.
"""

from collections.abc import Iterable

from nightshift.domain.message import Message, Role
from nightshift.domain.tool_course import ToolCourse
from nightshift.execution.run_state import RunState
from nightshift.storage.database import Database

MAX_TURN_MESSAGES = 1_000
"""Of one turn; what was called before these, its rules have forgotten."""


def read_turn(database: Database, state: RunState) -> list[Message]:
    """Return the messages of the turn, oldest first."""
    conversation = state.conversation
    newest_first = database.messages.read(
        conversation.tenant,
        conversation.id,
        first=conversation.history_starts_at,
        last=state.next_sequence - 1,
        newest_first=True,
    )
    return _same_turn(newest_first, state.run.id)[::-1]


def course_of(database: Database, state: RunState) -> ToolCourse:
    """Return the agent's rules with the tools that were called in this turn."""
    course = ToolCourse(state.require_agent().tool_rules)
    is_fresh = state.run.step_count == 0 and not state.opening.answers
    if is_fresh or not course.needs_history:
        return course
    for message in read_turn(database, state):
        course = course.after(message.draft)
    return course


def _same_turn(newest_first: Iterable[Message], run_id: str) -> list[Message]:
    """Return the messages back to the first one of a run that did not begin with an answer to its client's."""
    turn: list[Message] = []
    for message in newest_first:
        if (not turn and message.run_id != run_id) or len(turn) >= MAX_TURN_MESSAGES:
            break
        if turn and message.run_id != turn[-1].run_id and turn[-1].role is not Role.APPROVAL:
            break
        turn.append(message)
    return turn
