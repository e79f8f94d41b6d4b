"""The code of one function: its own folder and what of the product's package it imports, directly or not, as syntax.

Imports within a function body count too: what is loaded late is used all the same.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from support.aws_tables import load_template

ROOT: Final = Path(__file__).parents[2]
LAYER: Final = ROOT / "layers" / "nightshift"

FUNCTIONS: Final = sorted(
    name for name, found in load_template()["Resources"].items() if found["Type"] == "AWS::Serverless::Function"
)
"""Logical ids of the functions that template.yaml declares."""

type Modules = dict[str, ast.Module]


def code_of_function(template: Mapping[str, Any], function: str) -> Modules:
    """Return all modules of a function of template.yaml by name."""
    properties = template["Globals"]["Function"] | template["Resources"][function]["Properties"]
    return _code(Path(properties["CodeUri"]).name, properties["Handler"].partition(".")[0])


@cache
def _code(folder: str, handler: str) -> Modules:
    found: Modules = {}
    # http_api names its groups of operations in a table and imports each when it is first asked for.
    operations = (ROOT / "functions" / folder).glob("*_operations.py")
    pending = [handler, *(path.stem for path in operations)]
    while pending:
        name = pending.pop()
        path = _path_of(folder, name)
        if name not in found and path is not None:
            found[name] = ast.parse(path.read_text())
            pending += _imports(found[name])
    return found


def _path_of(folder: str, name: str) -> Path | None:
    relative = Path(*name.split(".")).with_suffix(".py")
    candidates = [ROOT / "functions" / folder / relative, LAYER / relative]
    return next((path for path in candidates if path.exists()), None)


def _imports(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=str(parent), names=names):
                yield parent
                yield from (f"{parent}.{alias.name}" for alias in names)


def names_in(node: ast.AST) -> set[str]:
    """Return every plain name that is read or written in the node."""
    return {found.id for found in ast.walk(node) if isinstance(found, ast.Name)}
