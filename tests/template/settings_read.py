"""Which environment variables a function's code reads.

A variable is read as `read_text("NAME")`, `read_seconds`, `read_flag`, or `environment.get("NAME", …)` when it may be
missing. settings.py serves all functions, so of it only what the function's own folder imports counts.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from template.function_code import Modules, names_in

SETTINGS = "nightshift.settings"


@dataclass(frozen=True, slots=True)
class Reads:
    """Names of variables: those that must be set, and those that may be."""

    required: frozenset[str]
    optional: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.required | self.optional


def variables_read(code: Modules) -> Reads:
    """Return what this function's code reads."""
    parts: list[ast.AST] = [module for name, module in code.items() if name != SETTINGS]
    parts += _settings_used(code)
    found = [variable for part in parts for variable in _variables(part)]
    required = frozenset(name for name, is_required in found if is_required)
    return Reads(required, frozenset(name for name, _ in found) - required)


def _settings_used(code: Modules) -> Iterator[ast.AST]:
    """Yield the definitions of settings.py that the function's own modules use, and those that these use."""
    if SETTINGS not in code:
        return
    defined = {node.name: node for node in code[SETTINGS].body if isinstance(node, ast.ClassDef)}
    own_modules = [module for name, module in code.items() if not name.startswith("nightshift.")]
    pending = {name for module in own_modules for name in names_in(module)} & defined.keys()
    used: set[str] = set()
    while pending:
        name = pending.pop()
        used.add(name)
        pending |= (names_in(defined[name]) & defined.keys()) - used
        yield defined[name]


def _variables(node: ast.AST) -> Iterator[tuple[str, bool]]:
    for found in ast.walk(node):
        match found:
            case ast.Call(func=ast.Name(id="read_text" | "read_seconds" | "read_flag"), args=[ast.Constant(value), *_]):
                yield str(value), True
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="environment"), attr="get"), args=[ast.Constant(str(value)), *_]
            ):
                yield value, False
