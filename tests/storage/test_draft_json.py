"""Drafts of every kind are read back as they were, and as older versions wrote them."""

import json

import pytest

from nightshift.domain.approval import ApprovalDecision, ClientToolReturn
from nightshift.domain.content import (
    Base64Image,
    ContentPart,
    ImagePart,
    LettaImage,
    OmittedReasoningPart,
    ReasoningPart,
    ReasoningSummary,
    RedactedReasoningPart,
    SummarizedReasoningPart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UrlImage,
)
from nightshift.domain.message import Compaction, MessageDraft, Role, ToolCall, ToolReturn
from nightshift.storage.draft_json import draft_to_json, json_to_draft

IMAGE = ImagePart(Base64Image("image/png", "AAAA", "low"))

PARTS: tuple[ContentPart, ...] = (
    TextPart("a"),
    TextPart("", "s"),
    IMAGE,
    ImagePart(UrlImage("https://example.com/a.png")),
    ImagePart(LettaImage("file-1")),
    ToolCallPart("call_1", "look", {"at": [1, None, "ü"]}, "s"),
    ToolReturnPart("call_1", "seen", is_error=True),
    ReasoningPart("hm", is_native=False, signature="s"),
    RedactedReasoningPart("b3Bh"),
    OmittedReasoningPart(),
    SummarizedReasoningPart("rs_1", (ReasoningSummary(0, "First."), ReasoningSummary(1, "Then.")), "ZW5j"),
    SummarizedReasoningPart("rs_2", ()),
)

DRAFTS = (
    MessageDraft(Role.USER, PARTS, name="Bob", otid="o", sender_id="s", group_id="g", batch_item_id="b"),
    MessageDraft(Role.ASSISTANT, tool_calls=(ToolCall("call_1", "look", "{}"),), gated_call_ids=("call_1",)),
    MessageDraft(Role.TOOL, tool_returns=(ToolReturn("call_1", "look", "seen", "success", ("x",)),)),
    MessageDraft(
        Role.APPROVAL,
        approvals=(
            ApprovalDecision("call_1", approve=False),
            ApprovalDecision("message-1", approve=True, reason="fine", names_request=True),
            ClientToolReturn("call_2", (TextPart(""), IMAGE), "error", (), ("boom",)),
            ClientToolReturn("call_3", (TextPart("done"),), "success"),
        ),
    ),
    MessageDraft(Role.SUMMARY, (TextPart("earlier"),), compaction=Compaction("manual", 1_000, 900, 300, 9, 3)),
    MessageDraft(Role.EVENT, compaction=Compaction("manual", 1_000)),
    MessageDraft(Role.SYSTEM),
)


@pytest.mark.parametrize("draft", DRAFTS, ids=lambda draft: draft.role.value)
def test_draft_is_read_back_as_it_was(draft: MessageDraft) -> None:
    assert json_to_draft(json.loads(json.dumps(draft_to_json(draft)))) == draft


def test_draft_of_the_first_version_is_still_read() -> None:
    """As it was stored by 0.1.0."""
    stored = {
        "role": "assistant",
        "content": [
            {"type": "reasoning", "reasoning": "hm", "is_native": True, "signature": "s"},
            {"type": "text", "text": "yes"},
        ],
        "tool_calls": [{"id": "call_1", "name": "look", "arguments": "{}"}],
    }
    assert json_to_draft(stored) == MessageDraft(
        Role.ASSISTANT,
        (ReasoningPart("hm", signature="s"), TextPart("yes")),
        (ToolCall("call_1", "look", "{}"),),
    )


def test_unknown_part_is_a_bug_that_says_which() -> None:
    with pytest.raises(ValueError, match="'smell'"):
        json_to_draft({"role": "user", "content": [{"type": "smell"}]})
