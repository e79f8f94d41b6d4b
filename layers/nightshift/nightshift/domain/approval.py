"""What a client answers to a run that waits for it: decisions on gated tool calls, and returns of tools it ran itself.

The answer names its calls by id and must name exactly those that are pending (letta_api_spec §3.6); only whoever holds
the conversation can know which those are, so a run that brings an answer is checked when it is executed.
"""

from dataclasses import dataclass
from typing import Literal

from nightshift.domain.content import ShownPart


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
