"""Reads what a model has to know of a tool from its Python source, which is parsed and never executed.

The last function at the top level is the tool. Its name, its docstring in Google style and its annotations give the
schema; a parameter named `agent_state` is the execution's to fill in and is not shown.
"""

import ast
import warnings
from typing import Any, Final

from nightshift.domain.errors import InvalidRequestError
from nightshift.tools.annotations import to_schema
from nightshift.tools.docstring import read_docstring

_NOT_SHOWN: Final = frozenset({"agent_state", "self", "cls"})

type _Function = ast.FunctionDef | ast.AsyncFunctionDef


def schema_from_source(source: str) -> dict[str, Any]:
    """Return name, description and parameters of the tool.

    Raises:
        InvalidRequestError: the source does not parse, or has no function at its top level.
    """
    try:
        return _describe(_last_function(_parse(source)))
    except (RecursionError, MemoryError) as error:
        raise InvalidRequestError("the tool's source_code is nested too deeply to be read") from error


def _parse(source: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except SyntaxError as error:
        raise InvalidRequestError(f"source_code is not valid Python: {error.msg}, line {error.lineno}") from error
    except ValueError as error:
        raise InvalidRequestError("source_code is not valid Python: it holds characters that no source may") from error


def _last_function(module: ast.Module) -> _Function:
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if not functions:
        raise InvalidRequestError("source_code must define a function at its top level, the last one is the tool")
    return functions[-1]


def _describe(function: _Function) -> dict[str, Any]:
    described = read_docstring(ast.get_docstring(function) or "")
    arguments = function.args
    names = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(names) - len(arguments.defaults)) + [*arguments.defaults]
    parameters = [*zip(names, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    shown = [(argument, default) for argument, default in parameters if argument.arg not in _NOT_SHOWN]
    properties = {
        argument.arg: to_schema(argument.annotation) | _described_as(described.arguments.get(argument.arg))
        for argument, _ in shown
    }
    required = [argument.arg for argument, default in shown if default is None]
    return {
        "name": function.name,
        "description": described.summary,
        "parameters": {"type": "object", "properties": properties, "required": required},
    }


def _described_as(text: str | None) -> dict[str, str]:
    return {"description": text} if text else {}
