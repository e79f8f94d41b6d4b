"""Requests that were accepted and still can't be executed: what their run fails with (letta_api_spec §1.3)."""

from typing import Final

from nightshift.domain.content import ImagePart
from nightshift.domain.run_request import RunRequest

_READABLE: Final = ("http://", "https://", "data:")


def refusal_of(request: RunRequest) -> str | None:
    """Return why the run fails before its first step, None when it may begin."""
    images = (part for draft in request.inputs for part in draft.content if isinstance(part, ImagePart))
    unreadable = next((image.url for image in images if image.url and not _is_readable(image.url)), None)
    if unreadable is None:
        return None
    return f"INVALID_ARGUMENT: an image's address begins with http://, https:// or data:, found {unreadable[:100]!r}"


def _is_readable(url: str) -> bool:
    return url.lower().startswith(_READABLE)
