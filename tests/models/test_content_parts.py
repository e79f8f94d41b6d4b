"""What each provider is sent of the parts that a message's content may hold, and that it takes them all."""

import base64
from typing import Any

import pytest

from models.adapters import Adapter
from models.builders import assistant, request, returns, user
from nightshift.domain.approval import ApprovalDecision
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
from nightshift.models.chat_request import chat_messages
from nightshift.models.converse_request import converse_request
from nightshift.models.error_answer import texts_of
from nightshift.models.unsayable import UNREADABLE_TEXT
from support.scripted_model.answers import Reply
from support.scripted_model.server import ScriptedModel

PIXEL = "iVBORw0KGgo="
PNG = ImagePart(Base64Image("image/png", PIXEL, "high"))
AT_URL = ImagePart(UrlImage("https://example.com/a.png"))

IMAGES: dict[str, tuple[ImagePart, dict[str, Any] | None, str | None]] = {
    "base64": (PNG, {"url": f"data:image/png;base64,{PIXEL}", "detail": "high"}, "png"),
    "odd detail": (
        ImagePart(Base64Image("image/jpg", PIXEL, "original")),
        {"url": f"data:image/jpg;base64,{PIXEL}"},
        "jpeg",
    ),
    "unusual format": (
        ImagePart(Base64Image("image/tiff", PIXEL)),
        {"url": f"data:image/tiff;base64,{PIXEL}"},
        None,
    ),
    "url": (AT_URL, None, None),
    "data url": (
        ImagePart(UrlImage(f"data:image/webp;base64,{PIXEL}")),
        {"url": f"data:image/webp;base64,{PIXEL}"},
        "webp",
    ),
    "other scheme": (ImagePart(UrlImage("ftp://example.com/a.png")), None, None),
    "file with data": (
        ImagePart(LettaImage("file-1", "image/gif", PIXEL)),
        {"url": f"data:image/gif;base64,{PIXEL}"},
        "gif",
    ),
    "file alone": (ImagePart(LettaImage("file-1")), None, None),
    "broken data": (ImagePart(LettaImage("file-1", "image/png", "abc")), {"url": "data:image/png;base64,abc"}, None),
}
"""Image to what Chat Completions gets of it and the format that Converse gets; None where words stand for it."""

HIDDEN = (
    RedactedReasoningPart("b3Bh"),
    OmittedReasoningPart("s"),
    SummarizedReasoningPart("rs_1", (ReasoningSummary(0, "First."),), "ZW5j"),
)

EVERY_PART: tuple[ContentPart, ...] = (
    TextPart("look:"),
    *(image for image, _, _ in IMAGES.values()),
    ToolCallPart("call_1", "look", {"at": "ü"}),
    ToolReturnPart("call_1", "seen", is_error=False),
    ReasoningPart("hm", is_native=False),
    ReasoningPart("signed", signature="s"),
    *HIDDEN,
)


def _said(*parts: ContentPart, role: Role = Role.USER) -> MessageDraft:
    return MessageDraft(role, parts)


def _converse(*drafts: MessageDraft) -> list[dict[str, Any]]:
    body: Any = converse_request(request(*drafts, provider="bedrock"))
    return [block for message in body["messages"] for block in message["content"]]


@pytest.mark.parametrize(("image", "sent", "_format"), IMAGES.values(), ids=IMAGES)
def test_image_in_chat_completions(image: ImagePart, sent: dict[str, Any] | None, _format: str | None) -> None:
    (message,) = chat_messages("", request(_said(TextPart("what is it?"), image)).messages)
    content: Any = message["content"]
    if sent is None:
        assert content.startswith("what is it?\n[image: ")
    else:
        assert content == [{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": sent}]


@pytest.mark.parametrize(("image", "_sent", "image_format"), IMAGES.values(), ids=IMAGES)
def test_image_in_converse(image: ImagePart, _sent: Any, image_format: str | None) -> None:
    text, shown = _converse(_said(TextPart("what is it?"), image))
    assert text == {"text": "what is it?"}
    if image_format is None:
        assert shown["text"].startswith("[image: ")
    else:
        assert shown == {"image": {"format": image_format, "source": {"bytes": base64.b64decode(PIXEL)}}}


@pytest.mark.parametrize("role", [Role.USER, Role.ASSISTANT, Role.SYSTEM, Role.SUMMARY])
def test_message_of_every_part_is_one_that_the_provider_takes(adapter: Adapter, role: Role) -> None:
    with ScriptedModel(Reply("taken")) as scripted:
        answer = adapter.ask(scripted, user("hi"), _said(*EVERY_PART, role=role), user("and?"))
        (seen,) = scripted.requests
    assert answer.content == (TextPart("taken"),)
    told = "\n".join(turn.text for turn in seen.turns)
    assert '[tool call: look({"at": "ü"})]' in told
    assert "[tool return: seen]" in told
    assert not any(hidden in str(seen.body) for hidden in ("b3Bh", "First.", "ZW5j"))


@pytest.mark.parametrize("part", [*HIDDEN, ReasoningPart("hm")], ids=lambda part: part.type)
def test_user_message_that_says_nothing_is_no_empty_message(adapter: Adapter, part: ContentPart) -> None:
    with ScriptedModel(Reply("taken")) as scripted:
        adapter.ask(scripted, _said(part))
        (seen,) = scripted.requests
    assert seen.texts_of("user") == [UNREADABLE_TEXT]


def test_reasoning_of_others_than_the_model_is_not_sent_back_signed() -> None:
    signed = ReasoningPart("hm", signature="s", maker="bedrock/anthropic")
    assert _converse(_said(signed, TextPart("well?"))) == [{"text": "well?"}]
    assert len(_converse(user("hi"), _said(signed, TextPart("yes"), role=Role.ASSISTANT))) == 3


def test_approvals_and_events_are_not_told_and_summaries_are(adapter: Adapter) -> None:
    call = ToolCall("call_1", "refund", "{}")
    history = (
        _said(TextPart("earlier: a question"), role=Role.SUMMARY),
        MessageDraft(Role.EVENT, compaction=Compaction("manual", 1_000)),
        user("refund it"),
        assistant(calls=(call,)),
        MessageDraft(Role.APPROVAL, approvals=(ApprovalDecision("call_1", approve=True),)),
        returns(ToolReturn("call_1", "refund", "done", "success")),
    )
    with ScriptedModel(Reply("taken")) as scripted:
        adapter.ask(scripted, *history)
        (seen,) = scripted.requests
    assert "\n".join(seen.texts_of("user")).strip() == "earlier: a question\nrefund it"
    assert [answered for turn in seen.turns for answered in turn.tool_returns] == ["call_1"]


def test_nothing_of_a_part_may_be_repeated_by_an_error() -> None:
    withheld = texts_of(request(_said(*EVERY_PART)))
    for text in ("look:", "https://example.com/a.png", "[tool return: seen]"):
        assert text in withheld
