"""Calls a Python tool: finds the function in its source, gives it its arguments, turns what comes into text."""

import contextlib
import inspect
import json
import linecache
import sys
import traceback
import types
from dataclasses import dataclass
from typing import Any, Final

from arguments import ArgumentsError, fit_arguments

FILE_NAME: Final = "tool.py"
"""What tracebacks call the source."""

MODULE_NAME: Final = "tool"

MAX_MESSAGE_CHARS: Final = 10_000
"""Of an exception's message."""

_MAX_TRACEBACK_CHARS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Call:
    """What to call and with what."""

    source_code: str
    function_name: str
    arguments: Any
    agent_state: Any
    return_char_limit: int

    def failure(self, reason: str) -> dict[str, Any]:
        """Return the result that tells the model why there is none."""
        text = f"Error executing function {self.function_name}: {reason}"
        return {"status": "error", "text": truncate(text, self.return_char_limit)}


class NoToolError(Exception):
    """There is nothing to call, or nothing to call it with."""


def run(call: Call) -> dict[str, Any]:
    """Call the tool; an exception of any kind, SystemExit too, becomes a result, and its traceback goes to stderr."""
    try:
        function = _load(call)
        positional, named = fit_arguments(function, call.arguments, call.agent_state)
        value = _await(function(*positional, **named))
        return {"status": "success", "text": truncate(to_text(value), call.return_char_limit)}
    except (NoToolError, ArgumentsError) as error:
        return call.failure(str(error))
    except BaseException as error:  # noqa: BLE001 -- whatever user code raises is its result
        _print_traceback(error)
        return call.failure(_describe(error))


def _load(call: Call) -> Any:
    """Execute the source as a module of its own and return its function."""
    module = types.ModuleType(MODULE_NAME)
    sys.modules[MODULE_NAME] = module
    lines = call.source_code.splitlines(keepends=True)
    linecache.cache[FILE_NAME] = (len(call.source_code), None, lines, FILE_NAME)
    try:
        code = compile(call.source_code, FILE_NAME, "exec")
    except SyntaxError as error:
        raise NoToolError(f"SyntaxError: source_code is not valid Python: {error.msg}, line {error.lineno}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise NoToolError(f"SyntaxError: source_code can't be read: {error}") from error
    exec(code, module.__dict__)  # noqa: S102 -- executing users' code is what this is for
    function = module.__dict__.get(call.function_name)
    if not callable(function):
        raise NoToolError(f"NameError: source_code defines no function {call.function_name}")
    return function


def _await(value: Any) -> Any:
    """Run an async function's coroutine to its end; any other value is returned as it is."""
    if not inspect.isawaitable(value):
        return value
    import asyncio  # noqa: PLC0415 -- most tools do without

    async def wait() -> Any:
        return await value

    return asyncio.run(wait())


def to_text(value: Any) -> str:
    """Return what the model reads: text as it is, what JSON can say as JSON, anything else as Python shows it."""
    if isinstance(value, str):
        return value
    if value is None:
        return "None"
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return str(value)


def truncate(text: str, limit: int) -> str:
    """Cut text to the limit, with a remark that says so."""
    if len(text) <= limit:
        return text
    remark = f"... [NOTE: function output was truncated since it exceeded the character limit ({len(text)} > {limit})]"
    return text[:limit] + remark


def _describe(error: BaseException) -> str:
    try:
        message = str(error)
    except BaseException:  # noqa: BLE001 -- an exception of user code may fail to say what it is
        message = "(its message could not be read)"
    name = type(error).__name__
    return f"{name}: {message[:MAX_MESSAGE_CHARS]}" if message else name


def _print_traceback(error: BaseException) -> None:
    """Write the traceback to stderr, of the source's own frames alone."""
    with contextlib.suppress(BaseException):
        described = traceback.TracebackException.from_exception(error)
        _keep_own_frames(described)
        sys.stderr.write("".join(described.format())[-_MAX_TRACEBACK_CHARS:])


def _keep_own_frames(described: traceback.TracebackException) -> None:
    pending: list[traceback.TracebackException | None] = [described]
    while pending:
        if (one := pending.pop()) is not None:
            own = [frame for frame in one.stack if frame.filename == FILE_NAME]
            one.stack = traceback.StackSummary.from_list(own)
            pending += [one.__cause__, one.__context__]
