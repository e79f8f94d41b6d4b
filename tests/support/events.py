"""The events of `events/<function>/*.json`, which `sam local` uses too."""

import copy
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_EVENTS = Path(__file__).parents[2] / "events"

type Json = dict[str, Any]


def load_event(name: str) -> Json:
    """Read one, named like `queue_delivery/due_delivery.json`."""
    event: Json = json.loads((_EVENTS / name).read_text())
    return event


def queue_event(template: Json, bodies: Iterable[str]) -> Json:
    """Return an SQS event shaped like `template`, a record for each body."""
    records = []
    for number, body in enumerate(bodies):
        record = copy.deepcopy(template["Records"][0])
        records.append(record | {"messageId": f"message-{number}", "body": body})
    return {"Records": records}


def shape_of(value: Any, path: str = "") -> set[str]:
    """Return every path within an event with the kind of what is there, such as `Records[].body: str`."""
    match value:
        case dict() if value:
            return set().union(*(shape_of(item, f"{path}.{name}".lstrip(".")) for name, item in value.items()))
        case list() if value:
            return set().union(*(shape_of(item, f"{path}[]") for item in value))
        case bool() | str() | dict() | list() | None:
            return {f"{path}: {type(value).__name__}"}
        case _:
            return {f"{path}: number"}
