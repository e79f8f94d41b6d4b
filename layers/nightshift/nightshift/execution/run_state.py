"""What a runner holds of the run that it executes, and the errors that end its work on it."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from nightshift.domain.agent import Agent
from nightshift.domain.content import Base64Image
from nightshift.domain.conversation import Conversation, Lease
from nightshift.domain.errors import NightshiftError
from nightshift.domain.message import Message, MessageDraft, Role, ToolCall, ToolReturn
from nightshift.domain.run import Run, Spent
from nightshift.domain.run_request import RunRequest
from nightshift.domain.stop_reason import StopReason
from nightshift.domain.tool_course import ToolCourse
from nightshift.execution.approvals import Opening, open_run
from nightshift.execution.context_window import is_full
from nightshift.execution.meter import Meter
from nightshift.execution.offer import Toolset

if TYPE_CHECKING:
    from nightshift.domain.step_outputs import StepOutputs


class RunEndedError(NightshiftError):
    """The run became terminal by another hand; `run` is how it was found."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"run {run.id} is {run.status} already")
        self.run = run


@dataclass(slots=True)
class RunState:
    """The run as this runner last wrote it, and what the next model call sees.

    Attributes:
        unreadable: why the request could not be read, which is empty then.
        context: messages of the context window, oldest first, without the system message.
        step_tokens: what the newest step took of the window, 0 when unknown or when the context was compacted since.
        ending: why the run is over but for the compaction of its context; its last answer is written then.
        meter: what this slice takes for the run.
        spent_before: what it took in earlier slices.
        opening: how the run begins, by what its conversation's client is asked for.
        toolset: the tools that the run has.
        course: the agent's tool rules, and what was called in this turn.
        returns: what tools gave back, by the id of their call, as long as it is not known to be stored.
        outputs: what the run asked to be told of its model's tokens, by the id of the step to store it with.
        fetched_images: pictures of this runner by address, None where one could not be had.
    """

    lease: Lease
    conversation: Conversation
    run: Run
    request: RunRequest
    meter: Meter
    unreadable: Exception | None = None
    agent: Agent | None = None
    system: str = ""
    context: list[Message] = field(default_factory=list)
    step_tokens: int = 0
    ending: StopReason | None = None
    opening: Opening = field(init=False)
    spent_before: Spent = field(init=False)
    toolset: Toolset = field(default_factory=Toolset)
    course: ToolCourse = field(default_factory=ToolCourse)
    returns: dict[str, ToolReturn] = field(default_factory=dict)
    outputs: "dict[str, StepOutputs]" = field(default_factory=dict)
    fetched_images: dict[str, Base64Image | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.opening = open_run(self.conversation, self.request)
        self.spent_before = self.run.spent

    def metered(self, run: Run) -> Run:
        """Return the run with all that it took up to now."""
        return replace(run, spent=self.spent_before + self.meter.spent())

    @property
    def unwritten_inputs(self) -> tuple[MessageDraft, ...]:
        """Return the inputs that are not in the log yet and may be; follow-ups come behind the returns they follow."""
        written = 0 if self.run.last_sequence is None else self.run.last_sequence - (self.run.first_sequence or 0) + 1
        if not self.opening.answers or not written:
            return self.opening.inputs[written:]
        return () if written == 1 else self.opening.follow_ups[written - 2 :]

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
    def is_context_full(self) -> bool:
        """Tell whether the context should be compacted before it is used again."""
        return self.step_tokens > 0 and is_full(self.step_tokens, self.require_agent().context_window_tokens)

    @property
    def is_compacted(self) -> bool:
        """Tell whether the context was compacted in the course of this run."""
        start, first = self.conversation.context, self.run.first_sequence
        return start is not None and first is not None and start.summary_sequence >= first

    @property
    def asking(self) -> Message | None:
        """Return the message whose tool calls have no return yet: the newest, or the one before a client's answer."""
        said = self.context[:-1] if self.context and self.context[-1].role is Role.APPROVAL else self.context
        return said[-1] if said and said[-1].draft.tool_calls else None

    @property
    def unanswered_calls(self) -> tuple[ToolCall, ...]:
        """Return the tool calls without a return; a crash between a checkpoint and its tools leaves them."""
        return self.asking.draft.tool_calls if self.asking else ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A message to append, and the step it came from."""

    draft: MessageDraft
    step_id: str | None = None
