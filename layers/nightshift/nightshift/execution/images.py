"""Pictures at addresses, fetched for a model call: no provider fetches for us, since none has our guard.

What the run itself was sent must be had, or the run fails and says why. A picture of an earlier run that is gone is
told in words instead, so that an agent outlives every picture it was ever shown.
"""

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from http.client import HTTPException, HTTPResponse
from typing import Final, Self
from urllib.parse import urljoin

from nightshift.clock import Clock
from nightshift.deadline import Deadline, OutOfTimeError
from nightshift.domain.content import Base64Image, ImagePart, TextPart, UrlImage, in_words
from nightshift.domain.errors import ModelCallError
from nightshift.domain.message import ContentPart, Message, MessageDraft, ToolReturn
from nightshift.domain.stop_reason import StopReason
from nightshift.domain.web_url import WebUrl, WebUrlError
from nightshift.outbound.exchange import Exchange
from nightshift.outbound.failures import describe_failure
from nightshift.outbound.url_guard import AddressRefusedError, UrlGuard

MAX_IMAGE_BYTES: Final = 10 * 1024 * 1024
"""Of one picture; more than any provider takes (Anthropic 5 MB, OpenAI 20 MB in all)."""

MAX_FETCHED_IMAGES: Final = 20
"""Of one model call, the newest; Converse takes no more. The others are told in words."""

FETCH_TIMEOUT_SECONDS: Final = 5.0
"""For one picture from the lookup of its host to its last byte, redirects included (letta_api_spec §1.2)."""

MAX_REDIRECTS: Final = 3
"""Each leads to an address that is judged like the first one."""

_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_NO_IMAGE: Final = (OSError, HTTPException, AddressRefusedError, OutOfTimeError, WebUrlError)
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)

type Fetched = dict[str, Base64Image | None]
"""What was fetched in this run by address, None where it could not be had: a step more costs no fetch more."""


class ImageUnavailableError(ModelCallError):
    """A picture that the run was sent can't be shown to its model; the text names its host and says why."""

    def __init__(self, host: str, reason: str) -> None:
        super().__init__(
            f"INVALID_ARGUMENT: the image at {host} can't be used: {reason}; send the image itself as base64",
            stop_reason=StopReason.ERROR,
            error_type="InvalidImageError",
        )


class _UnfitError(Exception):
    """The answer is no picture that can be used; the text says why."""


def _images(draft: MessageDraft) -> list[ImagePart]:
    returned = (image for given in draft.tool_returns for image in given.images)
    return [*(part for part in draft.content if isinstance(part, ImagePart)), *returned]


def _is_address(image: ImagePart) -> bool:
    return isinstance(image.source, UrlImage) and image.inline is None


@dataclass(frozen=True, slots=True)
class ImageFetcher:
    """Fetches pictures through the guard that callbacks take too."""

    exchange: Exchange
    clock: Clock

    @classmethod
    def connect(cls, clock: Clock, *, allow_private: bool) -> Self:
        """Make the fetcher; `allow_private` is for a server on one's own machine."""
        return cls(Exchange(UrlGuard(allow_private=allow_private)), clock)

    def show(self, messages: Sequence[Message], run_id: str, fetched: Fetched) -> tuple[Message, ...]:
        """Return the messages with the pictures in the place of their addresses; `fetched` is read and added to.

        Raises:
            ImageUnavailableError: one that this run was sent could not be had.
        """
        newest_first: list[Message] = []
        room = MAX_FETCHED_IMAGES
        for message in reversed(messages):
            addressed = sum(map(_is_address, _images(message.draft)))
            if addressed > room:
                newest_first.append(_in_words(message))
                continue
            room -= addressed
            shown = partial(self._shown, fetched, message.run_id == run_id)
            newest_first.append(_replaced(message, shown) if addressed else message)
        return tuple(reversed(newest_first))

    def _shown(self, fetched: Fetched, is_own: bool, image: ImagePart) -> ImagePart | None:
        if not _is_address(image):
            return image
        if image.url not in fetched:
            try:
                fetched[image.url] = self.fetch(image.url)
            except ImageUnavailableError:
                if is_own:
                    raise
                fetched[image.url] = None
        found = fetched[image.url]
        return ImagePart(found) if found else None

    def fetch(self, url: str) -> Base64Image:
        """Return the picture at this address.

        Raises:
            ImageUnavailableError: not reached in time, not to be reached, too large, or no picture.
        """
        deadline = Deadline.after(FETCH_TIMEOUT_SECONDS, self.clock)
        host = "its address"
        try:
            for _ in range(MAX_REDIRECTS + 1):
                place = WebUrl.parse(url)
                host = place.host
                with self.exchange.request("GET", place, {"Accept": "image/*"}, deadline) as answer:
                    if answer.status not in _REDIRECTS:
                        return _read(answer)
                    url = urljoin(url, answer.headers.get("Location") or "")
        except _UnfitError as error:
            raise ImageUnavailableError(host, str(error)) from None
        except _NO_IMAGE as error:
            raise ImageUnavailableError(host, describe_failure(error, FETCH_TIMEOUT_SECONDS)) from error
        raise ImageUnavailableError(host, f"more than {MAX_REDIRECTS} redirects")


def _read(answer: HTTPResponse) -> Base64Image:
    if answer.status != 200:
        raise _UnfitError(f"the server answered {answer.status}")
    if (answer.length or 0) > MAX_IMAGE_BYTES:
        raise _UnfitError(f"it has more than {MAX_IMAGE_BYTES} bytes")
    data = answer.read(MAX_IMAGE_BYTES + 1)
    if len(data) > MAX_IMAGE_BYTES:
        raise _UnfitError(f"it has more than {MAX_IMAGE_BYTES} bytes")
    media_type = media_type_of(data)
    if media_type is None:
        raise _UnfitError("it is no PNG, JPEG, GIF or WebP")
    return Base64Image(media_type, b64encode(data).decode())


def media_type_of(data: bytes) -> str | None:
    """Return what kind of picture the bytes are, by themselves: what a server calls them proves nothing."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((media_type for signature, media_type in _SIGNATURES if data.startswith(signature)), None)


def without_earlier_images(messages: Sequence[Message], run_id: str) -> tuple[Message, ...]:
    """Return the messages with words for the pictures of earlier runs: one of them may be what a provider refuses."""
    return tuple(message if message.run_id == run_id else _in_words(message) for message in messages)


def _in_words(message: Message) -> Message:
    return _replaced(message, lambda _: None) if _images(message.draft) else message


def _replaced(message: Message, shown: Callable[[ImagePart], ImagePart | None]) -> Message:
    """Return the message with another picture for each, or with words for it where there is none."""

    def part(one: ContentPart) -> ContentPart:
        return (shown(one) or TextPart(in_words(one))) if isinstance(one, ImagePart) else one

    def given(one: ToolReturn) -> ToolReturn:
        return replace(one, images=tuple(filter(None, map(shown, one.images)))) if one.images else one

    draft = message.draft
    content, returns = tuple(map(part, draft.content)), tuple(map(given, draft.tool_returns))
    return replace(message, draft=replace(draft, content=content, tool_returns=returns))
