"""The arguments of a tool call: the JSON object that a model wrote, and what rules put over it."""

import json
from collections.abc import Mapping
from typing import Any, Final

_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}

MAX_SHOWN_CHARS = 200
"""Of arguments that can't be read, in the error that tells of them."""


class ArgumentsError(Exception):
    """The arguments can't be used; the text is told to the model."""


class PrefillError(ArgumentsError):
    """Arguments that a rule gives don't fit the tool: the agent's owner has to mend the rule."""


def read_arguments(text: str) -> dict[str, Any]:
    """Return the arguments as the model wrote them; nothing at all means none.

    Raises:
        ArgumentsError: it is no JSON object.
    """
    try:
        parsed = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise ArgumentsError(f"the arguments are not valid JSON ({error}); found {text[:MAX_SHOWN_CHARS]!r}") from error
    if not isinstance(parsed, dict):
        raise ArgumentsError(f"the arguments must be a JSON object; found {text[:MAX_SHOWN_CHARS]!r}")
    return parsed


def fill_in(arguments: Mapping[str, Any], given: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments with what a rule gives in the place of the model's.

    Raises:
        PrefillError: the tool has no such parameter, or it is of another type.
    """
    properties = parameters.get("properties") or {}
    for name, value in given.items():
        if name not in properties:
            raise PrefillError(f"a tool rule gives the argument {name!r}, which the tool does not have")
        if not _fits(value, properties[name]):
            raise PrefillError(f"a tool rule gives {value!r} for {name!r}, which takes {properties[name]}")
    return {**arguments, **given}


def check_arguments(arguments: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Check names and types against a schema of our own.

    Raises:
        ArgumentsError: one is missing, unknown or of another type.
    """
    properties = parameters.get("properties") or {}
    missing = [name for name in parameters.get("required", ()) if name not in arguments]
    if missing:
        raise ArgumentsError(f"missing arguments: {', '.join(missing)}")
    for name, value in arguments.items():
        if name not in properties:
            raise ArgumentsError(f"unknown argument {name!r}; the tool takes {', '.join(properties)}")
        if not _fits(value, properties[name]):
            raise ArgumentsError(f"the argument {name!r} has the wrong type or value: {properties[name]}")


def _fits(value: Any, schema: Any) -> bool:
    """Tell whether the value has the type that the schema names, as far as it names one."""
    if not isinstance(schema, Mapping):
        return True
    if "enum" in schema and value not in schema["enum"]:
        return False
    kinds = schema.get("type")
    wanted = [kinds] if isinstance(kinds, str) else list(kinds or ())
    if not wanted:
        return True
    if isinstance(value, bool):
        return "boolean" in wanted
    types = tuple(python for kind in wanted for python in _TYPES.get(kind, (object,)))
    return isinstance(value, types)
