"""Turns a parameter's annotation, as it stands in the source, into a JSON Schema.

What it does not know, such as a class of the source itself, becomes an object: nothing is imported to find out.
"""

import ast
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

_PLAIN: Final[Mapping[str, dict[str, Any]]] = MappingProxyType(
    {
        "str": {"type": "string"},
        "int": {"type": "integer"},
        "float": {"type": "number"},
        "bool": {"type": "boolean"},
        "bytes": {"type": "string"},
        "datetime": {"type": "string", "format": "date-time"},
        "date": {"type": "string", "format": "date"},
        "None": {"type": "null"},
        "Any": {},
        "object": {},
        "dict": {"type": "object"},
        "list": {"type": "array", "items": {}},
    }
)
_LISTS: Final = frozenset(
    {"list", "List", "Sequence", "Iterable", "tuple", "Tuple", "set", "Set", "frozenset", "FrozenSet"}
)
_MAPPINGS: Final = frozenset({"dict", "Dict", "Mapping", "MutableMapping"})
_TYPE_OF_CONSTANT: Final = MappingProxyType({str: "string", int: "integer", float: "number", bool: "boolean"})


def to_schema(annotation: ast.expr | None) -> dict[str, Any]:
    """Return the schema of values that fit the annotation; an empty one, which all fit, when there is none."""
    match annotation:
        case None:
            return {}
        case ast.Constant(value=None | str() as value):
            return _named("None") if value is None else _quoted(value)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _named(name)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _union([left, right])
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _generic(name, inner.elts if isinstance(inner, ast.Tuple) else [inner])
    return {"type": "object"}


def _quoted(text: str) -> dict[str, Any]:
    """Read an annotation that is written as a string."""
    try:
        return to_schema(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError):
        return {"type": "object"}


def _named(name: str) -> dict[str, Any]:
    if name in _PLAIN:
        return dict(_PLAIN[name])
    return {"type": "array", "items": {}} if name in _LISTS else {"type": "object"}


def _generic(name: str, inner: list[ast.expr]) -> dict[str, Any]:
    if name in ("Optional", "Annotated") and inner:
        return to_schema(inner[0])
    if name in ("Union", "Literal"):
        return _union(inner) if name == "Union" else _literal(inner)
    if name in _LISTS and inner:
        return {"type": "array", "items": to_schema(inner[0])}
    if name in _MAPPINGS and len(inner) == 2:
        return {"type": "object", "additionalProperties": to_schema(inner[1])}
    return _named(name)


def _union(members: list[ast.expr]) -> dict[str, Any]:
    """Return what any of the members admits. None only says that the parameter may be left out."""
    schemas = [schema for schema in map(to_schema, members) if schema != {"type": "null"}]
    distinct = list({json.dumps(schema, sort_keys=True): schema for schema in schemas}.values())
    if not distinct:
        return {"type": "null"}
    return distinct[0] if len(distinct) == 1 else {"anyOf": distinct}


def _literal(members: list[ast.expr]) -> dict[str, Any]:
    values = [member.value for member in members if isinstance(member, ast.Constant)]
    plain = [value for value in values if isinstance(value, str) or _is_json_number(value)]
    kinds = {_TYPE_OF_CONSTANT[type(value)] for value in plain}
    return {"enum": plain} | ({"type": kinds.pop()} if len(kinds) == 1 else {})


def _is_json_number(value: object) -> bool:
    """Tell whether JSON in every language holds the number, or the truth value, as it is."""
    return isinstance(value, int | float) and abs(value) < 2**53
