"""Reads a docstring in Google style: what stands before its first section, and the section of arguments."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

_SECTIONS: Final = frozenset(
    {
        "args",
        "arguments",
        "parameters",
        "params",
        "returns",
        "return",
        "yields",
        "raises",
        "example",
        "examples",
        "note",
        "notes",
        "attributes",
        "todo",
        "warning",
        "see also",
    }
)
_ARGUMENTS: Final = frozenset({"args", "arguments", "parameters", "params"})
_ARGUMENT = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)")


@dataclass(frozen=True, slots=True)
class Docstring:
    """What a docstring says of the function and of each argument."""

    summary: str
    arguments: Mapping[str, str]


def read_docstring(text: str) -> Docstring:
    """Return what the docstring says; lines of one argument are joined."""
    lines = text.splitlines()
    heads = [place for place, line in enumerate(lines) if _section(line)]
    summary = "\n".join(lines[: heads[0]] if heads else lines).strip()
    found: dict[str, str] = {}
    for place, end in pairwise([*heads, len(lines)]):
        if _section(lines[place]) in _ARGUMENTS:
            found |= dict(_read_arguments(lines[place + 1 : end]))
    return Docstring(summary, found)


def _section(line: str) -> str | None:
    """Return the section that the line opens, in lower case; a section's head is not indented."""
    name = line.rstrip().lower()
    return name[:-1] if name.endswith(":") and name[:-1] in _SECTIONS else None


def _read_arguments(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield names and descriptions; what is indented deeper than a name goes on with its description."""
    depth = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    name, words = "", list[str]()
    for line in lines:
        opened = _ARGUMENT.fullmatch(line.strip()) if len(line) - len(line.lstrip()) == depth else None
        if opened:
            if name:
                yield name, " ".join(words).strip()
            name, words = opened[1], [opened[2]]
        else:
            words.append(line.strip())
    if name:
        yield name, " ".join(words).strip()
