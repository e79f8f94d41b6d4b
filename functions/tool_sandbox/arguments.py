"""Fits a model's JSON arguments to the parameters of a Python function."""

import inspect
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

AGENT_STATE: Final = "agent_state"
"""The parameter that the execution fills in, and no model sees."""

_TRUTH: Final[Mapping[str, bool]] = MappingProxyType({"true": True, "false": False, "1": True, "0": False})


class ArgumentsError(Exception):
    """The arguments are not those of a call."""


class AgentState(dict[str, Any]):
    """The agent's state, whose fields are read as items and as attributes alike."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the agent's state has no {name}") from None


def fit_arguments(
    function: Callable[..., Any], arguments: Any, agent_state: Any
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return positional and named arguments for the call.

    A value that is text where the annotation says number, truth value, list or object is read as such; what can't be
    read stays as it is, for the function to judge.

    Raises:
        ArgumentsError: they are no JSON object.
        TypeError: the function has no such parameters, or wants others, in Python's own words.
    """
    given = _to_object(arguments)
    signature = inspect.signature(function)
    if AGENT_STATE in signature.parameters:
        given[AGENT_STATE] = _to_state(agent_state)
    fitted = {
        name: _fit(value, signature.parameters[name].annotation) if name in signature.parameters else value
        for name, value in given.items()
    }
    first = [name for name, parameter in signature.parameters.items() if parameter.kind is parameter.POSITIONAL_ONLY]
    positional = tuple(fitted.pop(name) for name in first if name in fitted)
    return positional, fitted


def _to_object(arguments: Any) -> dict[str, Any]:
    """Read the arguments, which some models write as text."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except (ValueError, RecursionError) as error:
            raise ArgumentsError(f"ArgumentsError: the arguments are not JSON: {error}") from error
    if arguments is None:
        return {}
    if not isinstance(arguments, dict):
        raise ArgumentsError(f"ArgumentsError: the arguments must be an object, found {type(arguments).__name__}")
    return dict(arguments)


def _fit(value: Any, annotation: Any) -> Any:
    kind = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    fitted = value
    match kind, value:
        case "int", str():
            fitted = _read(int, value)
        case "int", float() if value.is_integer():
            fitted = int(value)
        case "float", str():
            fitted = _read(float, value)
        case "float", int() if not isinstance(value, bool):
            fitted = float(value)
        case "bool", str():
            fitted = _TRUTH.get(value.strip().lower(), value)
        case "list" | "dict", str() if type(read := _read(json.loads, value)).__name__ == kind:
            fitted = read
    return fitted


def _read(reader: Callable[[str], Any], text: str) -> Any:
    try:
        return reader(text)
    except (ValueError, RecursionError):
        return text


def _to_state(value: Any) -> Any:
    match value:
        case dict():
            return AgentState({name: _to_state(part) for name, part in value.items()})
        case list():
            return [_to_state(part) for part in value]
        case _:
            return value
