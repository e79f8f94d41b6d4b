"""Pictures at addresses: fetched for the model, through the guard of callbacks, and never the end of an agent."""

import base64
import time
from collections.abc import Iterator

import pytest

from nightshift.clock import SystemClock
from nightshift.domain.content import Base64Image
from nightshift.domain.errors import ModelCallError
from nightshift.domain.run import Run
from nightshift.domain.run_status import RunStatus
from nightshift.domain.stop_reason import StopReason
from nightshift.execution.images import (
    MAX_FETCHED_IMAGES,
    MAX_IMAGE_BYTES,
    MAX_REDIRECTS,
    ImageFetcher,
    ImageUnavailableError,
    media_type_of,
)
from nightshift.execution.model_source import ModelSource
from nightshift.outbound.exchange import Exchange
from nightshift.outbound.url_guard import UrlGuard, is_public, resolve
from support.lane import Lane
from support.receiver import (
    Behaviour,
    Receiver,
    answer,
    endless_body,
    hang,
    redirect,
    reset,
    running_receiver,
    speak,
    trickle_body,
)
from support.scripted_model.answers import Call, ErrorReply, Reply
from support.scripted_model.seen import SeenRequest
from support.scripted_model.server import ScriptedModel

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SHOWN = "data:image/png;base64," + base64.b64encode(PIXEL).decode()


@pytest.fixture
def pictures() -> Iterator[Receiver]:
    """A server whose every answer is the same small picture, until a test makes it behave otherwise."""
    with running_receiver() as receiver:
        receiver.behave(answer(200, {"Content-Type": "image/png"}, PIXEL))
        yield receiver


def fetcher(*, allow_private: bool = True) -> ImageFetcher:
    return ImageFetcher.connect(SystemClock(), allow_private=allow_private)


def refusal(url: str, *, allow_private: bool = True) -> str:
    with pytest.raises(ImageUnavailableError) as raised:
        fetcher(allow_private=allow_private).fetch(url)
    assert isinstance(raised.value, ModelCallError)
    assert raised.value.stop_reason is StopReason.ERROR
    assert "key=very-secret" not in str(raised.value)
    return str(raised.value)


def test_picture_is_known_by_its_bytes_whatever_the_server_calls_it(pictures: Receiver) -> None:
    pictures.behave(answer(200, {"Content-Type": "text/html"}, PIXEL))
    assert fetcher().fetch(pictures.url) == Base64Image("image/png", base64.b64encode(PIXEL).decode())
    (request,) = pictures.requests
    assert (request.method, request.headers["accept"]) == ("GET", "image/*")


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (PIXEL, "image/png"),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (b"GIF89a...", "image/gif"),
        (b"RIFF....WEBPVP8 ", "image/webp"),
        (b"RIFF....WAVEfmt ", None),
        (b"<svg xmlns=", None),
        (b"BM6", None),
        (b"", None),
    ],
)
def test_kinds_of_pictures_are_told_apart(data: bytes, media_type: str | None) -> None:
    assert media_type_of(data) == media_type


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (answer(404), "the server answered 404"),
        (answer(200, {}, b"<html>no picture</html>"), "it is no PNG, JPEG, GIF or WebP"),
        (answer(200, {}, b""), "it is no PNG, JPEG, GIF or WebP"),
        (answer(200, {"Content-Length": str(MAX_IMAGE_BYTES + 1)}, PIXEL), f"it has more than {MAX_IMAGE_BYTES} bytes"),
        (speak(b"HTTP/1.1 200 OK\r\n\r\n" + PIXEL * (MAX_IMAGE_BYTES // len(PIXEL) + 1)), "it has more than"),
        (reset(), "connection closed without an answer"),
        (speak(b"what?\r\n\r\n"), "answer is not http"),
        (redirect("ftp://example.com/a.png"), "url must be an absolute http or https URL"),
        (redirect(""), f"more than {MAX_REDIRECTS} redirects"),
    ],
)
def test_answer_that_is_no_usable_picture_is_refused(pictures: Receiver, behaviour: Behaviour, reason: str) -> None:
    pictures.behave(behaviour)
    assert reason in refusal(pictures.url)


def test_endless_picture_is_not_read_to_its_end(pictures: Receiver) -> None:
    pictures.behave(endless_body())
    assert "it has more than" in refusal(pictures.url)
    assert pictures.sent_bytes < 3 * MAX_IMAGE_BYTES


@pytest.mark.parametrize("behaviour", [hang(), trickle_body()], ids=["silent", "trickling"])
def test_slow_picture_is_given_up(pictures: Receiver, behaviour: Behaviour, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nightshift.execution.images.FETCH_TIMEOUT_SECONDS", 0.3)
    pictures.behave(behaviour)
    started = time.monotonic()
    assert "timed out after 0.3 s" in refusal(pictures.url)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.png",
        "http://localhost/a.png",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/a.png",
        "http://[::ffff:10.0.0.1]/a.png",
        "http://10.1.2.3:8080/a.png",
    ],
)
def test_private_address_is_not_called(url: str) -> None:
    assert "address is private" in refusal(url, allow_private=False)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "http://user:pw@example.com/",
        "data:image/png,x",
        "http://0x7f.1/",
    ],
)
def test_url_that_is_none_for_pictures_is_refused(url: str) -> None:
    assert "INVALID_ARGUMENT" in refusal(url)
    assert "passwd" not in refusal(url)


def test_redirect_leads_on(pictures: Receiver) -> None:
    pictures.behave(redirect("/elsewhere"), answer(200, {}, PIXEL))
    assert fetcher().fetch(pictures.url).media_type == "image/png"
    assert pictures.requests[-1].path == "/elsewhere"


def test_every_address_on_the_way_is_judged(pictures: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "nightshift.outbound.url_guard.is_public", lambda one: str(one) == "127.0.0.1" or is_public(one)
    )
    inner = UrlGuard(resolver=lambda host, port: ["10.0.0.1"] if host == "inner.example" else resolve(host, port))
    pictures.behave(redirect("http://inner.example/secret.png"))
    with pytest.raises(ImageUnavailableError, match=r"inner\.example can't be used: address is private"):
        ImageFetcher(Exchange(inner), SystemClock()).fetch(pictures.url)
    assert len(pictures.requests) == 1


# -- in runs ----------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _pictures_of_this_machine(lane: Lane) -> None:
    lane.models = ModelSource(lane.models.secret, allow_private_images=True)


def ask_about(lane: Lane, *urls: str) -> Run:
    parts = [{"type": "image", "source": {"type": "url", "url": url}} for url in urls]
    run = lane.accept(messages=[{"role": "user", "content": [{"type": "text", "text": "what is it?"}, *parts]}])
    lane.run_slice()
    return lane.run(run)


def shown(seen: SeenRequest) -> list[str]:
    parts = [
        part for message in seen.body["messages"] if isinstance(message["content"], list) for part in message["content"]
    ]
    return [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]


def test_model_sees_the_picture_itself(lane: Lane, provider: ScriptedModel, pictures: Receiver) -> None:
    assert ask_about(lane, pictures.url).status is RunStatus.COMPLETED
    assert shown(provider.requests[-1]) == [SHOWN]


def test_picture_is_fetched_once_for_all_steps_of_a_run(
    lane: Lane, provider: ScriptedModel, pictures: Receiver
) -> None:
    provider.play([Reply(tool_calls=(Call("ping", id="call_1"),)), Reply("a dot")])
    assert ask_about(lane, pictures.url, pictures.url).step_count == 2
    assert [shown(seen) for seen in provider.requests] == [[SHOWN] * 2] * 2
    assert len(pictures.requests) == 1


def test_private_picture_ends_the_run_clearly_and_the_next_message_works(
    lane: Lane, provider: ScriptedModel, pictures: Receiver
) -> None:
    lane.models = ModelSource(lane.models.secret)
    failed = ask_about(lane, pictures.url)
    assert (failed.status, failed.stop_reason) == (RunStatus.FAILED, StopReason.ERROR)
    assert failed.error is not None
    assert failed.error.startswith("INVALID_ARGUMENT: the image at 127.0.0.1 can't be used: address is private")
    assert (provider.requests, pictures.requests) == ([], [])

    following = lane.accept("and now?")
    lane.run_slice()
    assert lane.run(following).status is RunStatus.COMPLETED
    assert "[image: http://127.0.0.1" in provider.requests[-1].texts_of("user")[0]
    lane.assert_settled([failed, following])


def test_picture_of_an_earlier_run_that_is_gone_is_told_in_words(
    lane: Lane, provider: ScriptedModel, pictures: Receiver
) -> None:
    ask_about(lane, pictures.url)
    pictures.behave(answer(404))
    following = lane.accept("and now?")
    lane.run_slice()
    assert lane.run(following).status is RunStatus.COMPLETED
    assert shown(provider.requests[-1]) == []


def test_picture_that_the_provider_cannot_read_fails_one_run_and_no_more(
    lane: Lane, provider: ScriptedModel, pictures: Receiver
) -> None:
    def refuse_pictures(seen: SeenRequest) -> Reply | ErrorReply:
        return ErrorReply(400, "could not process image") if shown(seen) else Reply("fine")

    provider.play(rule=refuse_pictures)
    assert ask_about(lane, pictures.url).status is RunStatus.FAILED
    following = lane.accept("and now?")
    lane.run_slice()
    assert lane.run(following).status is RunStatus.COMPLETED


def test_more_pictures_than_a_provider_takes_are_told_in_words(
    lane: Lane, provider: ScriptedModel, pictures: Receiver
) -> None:
    ask_about(lane, *[f"{pictures.url}&{number}" for number in range(MAX_FETCHED_IMAGES)])
    ask_about(lane, pictures.url)
    assert len(shown(provider.requests[0])) == MAX_FETCHED_IMAGES
    assert shown(provider.requests[1]) == [SHOWN]
