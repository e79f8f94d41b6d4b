"""Edits of a memory block's text, as the base tools describe them (letta_api_spec §3.4). Pure."""

import re
from typing import Final

from nightshift.domain.tool_arguments import ArgumentsError

_DISPLAY_NUMBER: Final = re.compile(r"^\s*(?:\d+→|Line \d+: )", re.MULTILINE)

LAST_LINE: Final = -1
"""`insert_line` that means the end."""


def insert_lines(value: str, new_string: str, insert_line: int) -> str:
    """Return the text with lines after line `insert_line`: 0 is the top, -1 the end.

    Raises:
        ArgumentsError: there is no such line, or the new text carries line numbers of the display.
    """
    _refuse_numbers("new_string", new_string)
    lines = value.split("\n") if value else []
    if not LAST_LINE <= insert_line <= len(lines):
        raise ArgumentsError(f"insert_line is 0 to {len(lines)}, or -1 for the end; found {insert_line}")
    at = len(lines) if insert_line == LAST_LINE else insert_line
    return "\n".join([*lines[:at], *new_string.split("\n"), *lines[at:]])


def replace_once(value: str, old_string: str, new_string: str) -> str:
    """Return the text with the one occurrence of `old_string` replaced.

    Raises:
        ArgumentsError: it does not occur, or more than once; or a text carries line numbers of the display.
    """
    _refuse_numbers("old_string", old_string)
    _refuse_numbers("new_string", new_string)
    if not old_string:
        raise ArgumentsError("old_string is empty; use memory_insert to add text")
    count = value.count(old_string)
    if count == 0:
        raise ArgumentsError("old_string does not occur in the block; it must match exactly, white space included")
    if count > 1:
        lines = ", ".join(str(number) for number in _lines_of(value, old_string))
        raise ArgumentsError(f"old_string occurs {count} times, in lines {lines}; make it longer, so that it is unique")
    return value.replace(old_string, new_string)


def _lines_of(value: str, sought: str) -> list[int]:
    """Return the 1-based numbers of the lines in which an occurrence begins."""
    found, at = [], value.find(sought)
    while at >= 0:
        found.append(value.count("\n", 0, at) + 1)
        at = value.find(sought, at + len(sought))
    return found


def _refuse_numbers(argument: str, text: str) -> None:
    if _DISPLAY_NUMBER.search(text):
        raise ArgumentsError(f"{argument} carries line numbers, which are for display only; leave them out")
