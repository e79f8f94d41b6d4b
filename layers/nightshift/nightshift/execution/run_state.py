"""What a runner holds of the run that it executes, and the errors that end its work on it."""

from dataclasses import dataclass, field

from nightshift.domain.agent import Agent
from nightshift.domain.conversation import Conversation, Lease
from nightshift.domain.errors import NightshiftError
from nightshift.domain.message import Message, MessageDraft, ToolCall
from nightshift.domain.run import Run
from nightshift.domain.run_request import RunRequest


class RunEndedError(NightshiftError):
    """The run became terminal by another hand; `run` is how it was found."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"run {run.id} is {run.status} already")
        self.run = run


@dataclass(slots=True)
class RunState:
    """The run as this runner last wrote it, and what the next model call sees.

    Attributes:
        context: messages of the context window, oldest first, without the system message.
        returned: what the newest tool calls gave back, as long as it is not known to be stored.
    """

    lease: Lease
    conversation: Conversation
    run: Run
    request: RunRequest
    agent: Agent | None = None
    system: str = ""
    context: list[Message] = field(default_factory=list)
    returned: MessageDraft | None = None

    @property
    def inputs(self) -> tuple[MessageDraft, ...]:
        """Return the messages to append before the first step; an approval is kept only where it answers something."""
        return () if self.request.answers_approval else self.request.inputs

    @property
    def next_sequence(self) -> int:
        """Return the place in the log of the run's next message."""
        last = self.run.last_sequence
        return self.conversation.next_sequence if last is None else last + 1

    def require_agent(self) -> Agent:
        """Return the agent, which is loaded before the first step."""
        if self.agent is None:
            raise ValueError(f"the agent of run {self.run.id} is not loaded")
        return self.agent

    @property
    def unanswered_calls(self) -> tuple[ToolCall, ...]:
        """Return the tool calls of the newest message; a crash between a checkpoint and its tools leaves them."""
        return self.context[-1].draft.tool_calls if self.context else ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A message to append, and the step it came from."""

    draft: MessageDraft
    step_id: str | None = None
