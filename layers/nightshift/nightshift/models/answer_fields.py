"""Careful reading of a provider's JSON answer.

Compatible servers keep to the published shapes more or less. What is missing gets a default where one makes sense; what
has the wrong type is named by its place and type, never by its content, which must not reach an error text.
"""

import json
from collections.abc import Mapping
from typing import Any

from nightshift.domain.message import ToolCall


class MalformedAnswerError(Exception):
    """The answer is not what the API promises; the text says where, and quotes nothing."""


def parse_json_object(body: bytes) -> Mapping[str, Any]:
    """Return the JSON object that an HTTP body holds."""
    try:
        parsed = json.loads(body)
    except ValueError:
        raise MalformedAnswerError(f"expected JSON, found {len(body)} bytes of something else") from None
    return require_object(parsed, "the answer")


def require_object(value: object, place: str) -> Mapping[str, Any]:
    """Return `value`, which must be a JSON object."""
    if not isinstance(value, Mapping):
        raise MalformedAnswerError(f"expected {place} to be an object, found {type(value).__name__}")
    return value


def objects_at(container: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Return the list of objects at `key`, empty when it is missing or null."""
    values = container.get(key)
    if values is None:
        return []
    if not isinstance(values, list):
        raise MalformedAnswerError(f"expected {key} to be a list, found {type(values).__name__}")
    return [require_object(value, f"each of {key}") for value in values]


def object_at(container: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object at `key`, empty when it is missing or null."""
    value = container.get(key)
    return {} if value is None else require_object(value, key)


def text_at(container: Mapping[str, Any], key: str) -> str:
    """Return the text at `key`, empty when it is missing or null."""
    value = container.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedAnswerError(f"expected {key} to be a string, found {type(value).__name__}")
    return value


def count_at(container: Mapping[str, Any], key: str) -> int:
    """Return the count at `key`, 0 when it is missing or no number: a wrong figure must not cost the answer."""
    value = container.get(key)
    return int(value) if isinstance(value, int | float) and value >= 0 else 0


def require_text(container: Mapping[str, Any], key: str) -> str:
    """Return the text at `key`, which must not be empty."""
    text = text_at(container, key)
    if not text:
        raise MalformedAnswerError(f"expected {key} to be a non-empty string, found none")
    return text


def arguments_object(call: ToolCall) -> dict[str, Any]:
    """Return a tool call's arguments as the object that providers demand in a history.

    A model sometimes writes arguments that are no JSON object. They must not make every later call fail, so the text
    is wrapped, and the model still sees what it wrote.
    """
    try:
        parsed = json.loads(call.arguments or "{}")
    except ValueError:
        parsed = None
    return parsed if isinstance(parsed, dict) else {"invalid_arguments": call.arguments}
