"""What a client answers to a run that waits for it: decisions on gated tool calls, and returns of tools it ran itself.

The answer names its calls by id and must name exactly those that are pending (letta_api_spec §3.6); only whoever holds
the conversation can know which those are, so a run that brings an answer is checked when it is executed.
"""

from dataclasses import dataclass
from typing import Final, Literal

from nightshift.domain.content import ShownPart

DENIAL_PREFIX: Final = "Error: request to call tool denied. User reason: "
"""How the return of a call that was denied begins (letta_api_spec §3.6)."""

NOTHING_PENDING: Final = "No tool call is currently awaiting approval; send the message without an approval"
"""What an answer is told that nobody asked for (letta_api_spec §1.4)."""

PENDING: Final = (
    "CONFLICT: Cannot send a new message: The agent is waiting for approval on a tool call."
    " Please approve or deny the pending request before continuing."
)
"""What a message is told that comes while an answer is asked for (letta_api_spec §1.4)."""


@dataclass(frozen=True, slots=True)
class ApprovalDecision:
    """Whether one tool call may be executed.

    Attributes:
        reason: told to the model when the call is denied.
        names_request: the deprecated form, in which `tool_call_id` is the id of the message that asked for approval;
            valid only while exactly one call is pending.
    """

    tool_call_id: str
    approve: bool
    reason: str | None = None
    names_request: bool = False


@dataclass(frozen=True, slots=True)
class ClientToolReturn:
    """What a tool that the client ran gave back; None where the client sent no `stdout` or `stderr`."""

    tool_call_id: str
    content: tuple[ShownPart, ...]
    status: Literal["success", "error"]
    stdout: tuple[str, ...] | None = None
    stderr: tuple[str, ...] | None = None


type Approval = ApprovalDecision | ClientToolReturn


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """The newest calls that a conversation's client was asked for, to approve or to run them.

    Attributes:
        message_id: of the message that asked.
        run_id: of the run that paused with it.
        tool_call_ids: of the calls, sorted.
        is_open: nobody has answered yet; a closed request is kept to know a repeated answer by.
    """

    message_id: str
    run_id: str
    tool_call_ids: tuple[str, ...]
    is_open: bool = True

    def is_answered_by(self, approvals: tuple[Approval, ...]) -> bool:
        """Tell whether these are answers to exactly the calls that were asked for, in any order."""
        match approvals:
            case (ApprovalDecision(names_request=True, tool_call_id=message_id),):
                return message_id == self.message_id and len(self.tool_call_ids) == 1
            case _:
                return tuple(sorted(answer.tool_call_id for answer in approvals)) == self.tool_call_ids

    def explain_mismatch(self, approvals: tuple[Approval, ...]) -> str:
        """Say which calls were to be answered, and which were (letta_api_spec §1.4)."""
        received = [answer.tool_call_id for answer in approvals]
        return f"Invalid tool call IDs. Expected '{list(self.tool_call_ids)}', but received '{received}'."
