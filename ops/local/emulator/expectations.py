"""What a correction relies on inside MiniStack, checked at start-up.

A correction replaces private functions of one release. Each states here what it found there, so that another release
stops at once with the reason instead of running half corrected.
"""

import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

PINNED_RELEASE = "1.5.33"
"""The MiniStack release that the corrections were written for; pinned in pyproject.toml, group ``emulator``."""


class ExpectationError(Exception):
    """The installed MiniStack is not shaped as a correction expects."""


def expect_pinned_release() -> None:
    """Refuse any other release than the pinned one."""
    installed = version("ministack")
    if installed != PINNED_RELEASE:
        raise ExpectationError(
            f"the corrections of the embedded AWS are for ministack {PINNED_RELEASE}, installed is {installed}: "
            "run `make install`, or see tests/emulator/README.md to take a newer release"
        )


def expect_source(function: Callable[..., Any], *fragments: str) -> None:
    """Refuse a function whose source no longer contains what a correction replaces or relies on."""
    expect_text(inspect.getsource(function), f"{function.__module__}.{function.__qualname__}", *fragments)


def expect_text(text: str, where: str, *fragments: str) -> None:
    """Refuse a text (a worker script, a source) that lacks one of the fragments."""
    for fragment in fragments:
        if fragment not in text:
            raise ExpectationError(
                f"ministack {version('ministack')} differs from {PINNED_RELEASE}: {where} no longer contains "
                f"{fragment!r}; see tests/emulator/README.md"
            )


def expect_parameters(function: Callable[..., Any], *names: str) -> None:
    """Refuse a function whose leading parameters are no longer the named ones."""
    found = list(inspect.signature(function).parameters)[: len(names)]
    if found != list(names):
        raise ExpectationError(
            f"ministack {version('ministack')} differs from {PINNED_RELEASE}: "
            f"{function.__module__}.{function.__qualname__} takes {found}, expected {list(names)}; "
            "see tests/emulator/README.md"
        )
