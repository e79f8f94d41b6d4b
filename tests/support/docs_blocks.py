"""The code blocks of README, CONTRIBUTING and docs/.

A block that can't be run where the tests run says why in a comment right above it, which nobody sees on the page:

    <!-- not run: needs an AWS account -->
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
PICTURES = {"mermaid", "text"}
"""What is to be looked at, such as a diagram or a tree of files."""

_REASON = re.compile(r"<!-- not run: (.+?) -->")


@dataclass(frozen=True, slots=True)
class Block:
    """One code block.

    Attributes:
        language: what stands behind the fence; an indented block is taken for a shell's.
        reason: why it is not run, None if it is to be run.
    """

    page: str
    line: int
    language: str
    text: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> list[str]:
    """Return the pages, relative to the repository."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [str(page.relative_to(ROOT)) for page in found]


@cache
def blocks_of(page: str) -> list[Block]:
    """Return a page's code blocks, pictures among them."""
    return list(_find(page, MarkdownIt().parse((ROOT / page).read_text())))


def _find(page: str, tokens: list[Token]) -> Iterator[Block]:
    reason = None
    for token in tokens:
        if token.type == "html_block":
            said = _REASON.fullmatch(token.content.strip())
            reason = said[1] if said else None
        elif token.type in {"fence", "code_block"}:
            language = token.info.strip() if token.type == "fence" else "bash"
            yield Block(page, token.map[0] + 1 if token.map else 0, language, token.content, reason)
            reason = None
        elif not token.type.endswith(("_open", "_close")):
            reason = None
