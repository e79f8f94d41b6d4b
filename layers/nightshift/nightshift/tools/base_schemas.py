"""What a model sees of the base tools (letta_api_spec §3.4)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

type Schema = tuple[str, str, dict[str, Any], tuple[str, ...]]


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _number(description: str) -> dict[str, Any]:
    return {"type": "integer", "description": description}


def _texts(description: str, **items: Any) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string", **items}, "description": description}


_LABEL = _text("The label of the memory block.")
_FROM = _text("Only what is not older than this: ISO 8601 or YYYY-MM-DD, in your time zone.")
_TO = _text("Only what is not newer than this: ISO 8601 or YYYY-MM-DD, in your time zone; a date counts to its end.")

SCHEMAS: Final[Mapping[str, Schema]] = MappingProxyType(
    {
        "send_message": (
            "letta_core",
            "Send a message to the person you work for.",
            {"message": _text("What they are to read, in any language and with any characters.")},
            ("message",),
        ),
        "conversation_search": (
            "letta_core",
            "Search what was said before, in this conversation and in others, beyond the part that is in view.",
            {
                "query": _text("Words to look for; without them, all messages that the other arguments admit."),
                "roles": _texts("Only messages of these roles.", enum=["assistant", "user", "tool"]),
                "limit": _number("The most messages to return."),
                "start_date": _FROM,
                "end_date": _TO,
            },
            (),
        ),
        "memory_insert": (
            "letta_memory_core",
            "Insert text into a memory block, as lines of their own.",
            {
                "label": _LABEL,
                "new_string": _text("The text to insert, without the line numbers that a display may add."),
                "insert_line": _number("The line after which it goes: 0 for the beginning, -1 (default) for the end."),
            },
            ("label", "new_string"),
        ),
        "memory_replace": (
            "letta_memory_core",
            "Replace a piece of a memory block, which must occur in it exactly once.",
            {
                "label": _LABEL,
                "old_string": _text("The text to replace, with its white space and without line numbers."),
                "new_string": _text("What takes its place; empty to delete it."),
            },
            ("label", "old_string", "new_string"),
        ),
        "memory_rethink": (
            "letta_memory_core",
            "Rewrite a memory block as a whole, to put what you learned in order; the block is made if there is none.",
            {"label": _LABEL, "new_memory": _text("The block's new content, complete.")},
            ("label", "new_memory"),
        ),
        "archival_memory_insert": (
            "letta_core",
            "Keep something in long-term memory, to be found by its meaning later.",
            {
                "content": _text("What to keep; best a complete statement."),
                "tags": _texts("Words to find it by."),
            },
            ("content",),
        ),
        "archival_memory_search": (
            "letta_core",
            "Search long-term memory by meaning.",
            {
                "query": _text("What to look for, in your own words."),
                "tags": _texts("Only what has these tags."),
                "tag_match_mode": {
                    "type": "string",
                    "enum": ["any", "all"],
                    "description": "Whether any of the tags is enough, which is the default, or all are wanted.",
                },
                "top_k": _number("The most results to return."),
                "start_datetime": _FROM,
                "end_datetime": _TO,
            },
            ("query",),
        ),
    }
)
"""Name to type, description, properties and required properties."""
