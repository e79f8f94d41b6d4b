"""A small part of CloudWatch Logs Insights' language, to run saved queries on recorded lines.

It knows the commands fields, filter, stats, sort and limit, comparisons joined by `and` and `or`, `ispresent`, and the
functions count, sum, max, min and avg. What it does not know it refuses, so that a query is never half understood.
"""

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

type Line = dict[str, Any]
type Predicate = Callable[[Line], bool]

_FIELD: Final = r"@?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*"
_TOKEN: Final = re.compile(rf'\s*(?:"[^"]*"|\d+(?:\.\d+)?|{_FIELD}|[<>!]=|[=<>()])')
_AGGREGATE: Final = re.compile(rf"(count|sum|max|min|avg)\((\*|{_FIELD})\) as ({_FIELD})")
_OPERATORS: Final = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class QuerySyntaxError(Exception):
    """The query is wrong, or uses what is not known here."""


def run_query(query: str, lines: Iterable[Line]) -> list[Line]:
    """Return the rows that the query gives.

    Raises:
        QuerySyntaxError: a part is not understood.
    """
    rows = [_flattened(line) for line in lines]
    shown: list[str] | None = None
    for command in (part.strip() for part in query.split("|")):
        name, _, rest = command.partition(" ")
        match name:
            case "fields":
                shown = [_field(one) for one in rest.split(",")]
            case "filter":
                predicate = _Filter(rest).predicate
                rows = [row for row in rows if predicate(row)]
            case "stats":
                rows, shown = _aggregate(rest, rows), None
            case "sort":
                rows = _sorted(rest, rows)
            case "limit":
                rows = rows[: int(rest)]
            case _:
                raise QuerySyntaxError(f"command {name!r} is not known")
    return rows if shown is None else [{name: row[name] for name in shown if name in row} for row in rows]


def fields_of(query: str) -> set[str]:
    """Return the names that a query reads from lines."""
    text = re.sub(r'"[^"]*"', "", query)
    made = {found[2] for found in _AGGREGATE.findall(text)}
    words = set(re.findall(_FIELD, text))
    return words - made - {"fields", "filter", "stats", "sort", "limit", "by", "as", "and", "or", "asc", "desc"} - {
        "ispresent", "count", "sum", "max", "min", "avg",
    }  # fmt: skip


def _flattened(line: Line) -> Line:
    """Return the line with its nested values by dotted names, as CloudWatch finds them; null is no value."""
    flat: Line = {}

    def add(name: str, value: Any) -> None:
        if isinstance(value, dict | list):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, inner in items:
                add(f"{name}.{key}", inner)
        elif value is not None:
            flat[name] = value

    for name, value in line.items():
        add(name, value)
    return flat


def _field(text: str) -> str:
    name = text.strip()
    if not re.fullmatch(_FIELD, name):
        raise QuerySyntaxError(f"{name!r} is no field")
    return name


@dataclass
class _Filter:
    """A parser of conditions: `or` of `and` of comparisons."""

    text: str

    def __post_init__(self) -> None:
        self._tokens: list[str] = []
        at = 0
        while at < len(self.text.rstrip()):
            found = _TOKEN.match(self.text, at)
            if not found:
                raise QuerySyntaxError(f"not understood: {self.text[at:]!r}")
            self._tokens.append(found.group().strip())
            at = found.end()
        self.predicate = self._either()
        if self._tokens:
            raise QuerySyntaxError(f"left over: {self._tokens}")

    def _either(self) -> Predicate:
        choices = [self._all()]
        while self._tokens[:1] == ["or"]:
            self._tokens.pop(0)
            choices.append(self._all())
        return lambda row: any(choice(row) for choice in choices)

    def _all(self) -> Predicate:
        parts = [self._comparison()]
        while self._tokens[:1] == ["and"]:
            self._tokens.pop(0)
            parts.append(self._comparison())
        return lambda row: all(part(row) for part in parts)

    def _comparison(self) -> Predicate:
        first = self._take()
        if first == "ispresent":
            opening, name, closing = self._take(), _field(self._take()), self._take()
            if (opening, closing) != ("(", ")"):
                raise QuerySyntaxError("ispresent takes one field in parentheses")
            return lambda row: name in row
        name, sign, value = _field(first), self._take(), _literal(self._take())
        if sign not in _OPERATORS:
            raise QuerySyntaxError(f"{sign!r} is no comparison")
        compare = _OPERATORS[sign]
        return lambda row: name in row and isinstance(row[name], type(value) | int) and bool(compare(row[name], value))

    def _take(self) -> str:
        if not self._tokens:
            raise QuerySyntaxError(f"ends too early: {self.text!r}")
        return self._tokens.pop(0)


def _literal(token: str) -> str | float:
    if token.startswith('"'):
        return token.strip('"')
    try:
        return float(token)
    except ValueError:
        raise QuerySyntaxError(f"{token!r} is no value: text stands in double quotes") from None


def _aggregate(text: str, rows: list[Line]) -> list[Line]:
    wanted, _, keys = text.partition(" by ")
    names = [_field(key) for key in keys.split(",")] if keys else []
    aggregates = [_AGGREGATE.fullmatch(part.strip()) for part in wanted.split(",")]
    groups: dict[tuple[Any, ...], list[Line]] = {}
    for row in rows:
        groups.setdefault(tuple(row.get(name) for name in names), []).append(row)
    results = []
    for values, members in groups.items():
        result: Line = {name: value for name, value in zip(names, values, strict=True) if value is not None}
        for found in aggregates:
            if not found:
                raise QuerySyntaxError(f"an aggregate is `function(field) as name`, found {wanted!r}")
            function, field, name = found.groups()
            result[name] = _calculate(function, [row[field] for row in members if field in row], len(members))
        results.append(result)
    return results


def _calculate(function: str, values: list[float], count: int) -> float | None:
    if function == "count":
        return count
    if not values:
        return None
    functions: dict[str, Callable[[list[float]], float]] = {"sum": sum, "max": max, "min": min}
    return functions[function](values) if function in functions else sum(values) / len(values)


def _sorted(text: str, rows: list[Line]) -> list[Line]:
    name, _, direction = text.partition(" ")
    if direction not in {"asc", "desc"}:
        raise QuerySyntaxError(f"sort needs asc or desc, found {direction!r}")
    field = _field(name)
    without = [row for row in rows if row.get(field) is None]
    having = [row for row in rows if row.get(field) is not None]
    return sorted(having, key=lambda row: row[field], reverse=direction == "desc") + without
