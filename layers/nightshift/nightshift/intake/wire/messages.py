"""The items of `messages` as clients send them (letta_api_spec §1.2)."""

from typing import Annotated, Literal, Self

from pydantic import FailFast, Field, StrictBool, Tag, model_validator

from nightshift.domain import ids
from nightshift.domain.approval import Approval, ApprovalDecision, ClientToolReturn
from nightshift.domain.message import MessageDraft, Role
from nightshift.intake.wire.base import Wire
from nightshift.intake.wire.content import (
    InputContent,
    MessageContent,
    ReturnContent,
    one_of,
    to_parts,
    to_shown_parts,
)


class MessageCreate(Wire):
    """One message to append before the first step."""

    type: Literal["message"] | None = "message"
    role: Literal["user", "system", "assistant"]
    content: MessageContent
    name: str | None = None
    otid: str | None = None
    sender_id: str | None = None
    group_id: str | None = None
    batch_item_id: str | None = None

    def to_draft(self) -> MessageDraft:
        return MessageDraft(
            role=Role(self.role),
            content=to_parts(self.content),
            name=self.name,
            otid=self.otid or ids.new_otid(),
            sender_id=self.sender_id,
            group_id=self.group_id,
            batch_item_id=self.batch_item_id,
        )


class ApprovalReturn(Wire):
    """A decision on one tool call."""

    type: Literal["approval"] = "approval"
    tool_call_id: str
    approve: StrictBool
    reason: str | None = None

    def to_approval(self) -> ApprovalDecision:
        return ApprovalDecision(self.tool_call_id, self.approve, self.reason)


class ToolReturn(Wire):
    """What a tool that the client ran gave back."""

    type: Literal["tool"] = "tool"
    tool_call_id: str
    status: Literal["success", "error"]
    tool_return: ReturnContent
    stdout: Annotated[list[str], FailFast()] | None = None
    stderr: Annotated[list[str], FailFast()] | None = None

    def to_approval(self) -> ClientToolReturn:
        return ClientToolReturn(
            tool_call_id=self.tool_call_id,
            content=to_shown_parts(self.tool_return),
            status=self.status,
            stdout=None if self.stdout is None else tuple(self.stdout),
            stderr=None if self.stderr is None else tuple(self.stderr),
        )


type ApprovalItem = Annotated[
    Annotated[ApprovalReturn, Tag("approval")] | Annotated[ToolReturn, Tag("tool")],
    one_of({"approve": "approval", "tool_return": "tool", "status": "tool"}, "approval", ["approval", "tool"]),
]


class ApprovalCreate(Wire):
    """A client's answer to a run that waits, in its present form or in the deprecated one of a single decision.

    In the deprecated form `approval_request_id` is the id of the message that asked. Beside `approvals` its fields are
    mirrors, as the API itself shows them, and say nothing.
    """

    type: Literal["approval"] = "approval"
    approvals: Annotated[list[ApprovalItem], Field(min_length=1), FailFast()] | None = None
    approve: StrictBool | None = None
    approval_request_id: str | None = None
    reason: str | None = None
    group_id: str | None = None
    otid: str | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.approvals is None and (self.approve is None or self.approval_request_id is None):
            raise ValueError("Must specify either 'approvals' or both 'approve' and 'approval_request_id'")
        return self

    def to_draft(self) -> MessageDraft:
        return _answer(tuple(self._approvals()), self.otid, self.group_id)

    def _approvals(self) -> list[Approval]:
        if self.approvals is not None:
            return [item.to_approval() for item in self.approvals]
        is_approved = bool(self.approve)
        return [ApprovalDecision(self.approval_request_id or "", is_approved, self.reason, names_request=True)]


class ToolReturnCreate(Wire):
    """The returns of tools that the client ran: what an approval of `tool` items says too."""

    type: Literal["tool_return"] = "tool_return"
    tool_returns: Annotated[list[ToolReturn], Field(min_length=1), FailFast()]
    group_id: str | None = None
    otid: str | None = None

    def to_draft(self) -> MessageDraft:
        return _answer(tuple(item.to_approval() for item in self.tool_returns), self.otid, self.group_id)


def _answer(approvals: tuple[Approval, ...], otid: str | None, group_id: str | None) -> MessageDraft:
    return MessageDraft(role=Role.APPROVAL, approvals=approvals, otid=otid, group_id=group_id)


def input_draft(content: InputContent) -> MessageDraft:
    """Return the one user message that `input` stands for."""
    return MessageDraft(role=Role.USER, content=to_parts(content), otid=ids.new_otid())


_MARKS = {
    "approvals": "approval",
    "approve": "approval",
    "approval_request_id": "approval",
    "tool_returns": "tool_return",
}

type AnyMessageCreate = Annotated[
    Annotated[MessageCreate, Tag("message")]
    | Annotated[ApprovalCreate, Tag("approval")]
    | Annotated[ToolReturnCreate, Tag("tool_return")],
    one_of(_MARKS, "message", ["message", "approval", "tool_return"]),
]
