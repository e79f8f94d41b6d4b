"""The types of the official SDK by their names, as operations declare what they return."""

import importlib
import pkgutil
import re
from functools import cache
from typing import Any

import letta_client.types


def find_sdk_type(name: str) -> Any:
    """Return a model or an alias of the SDK.

    Args:
        name: `Run`, or with the module's package where one name has several meanings: `steps.MessageListResponse`.

    Raises:
        LookupError: the SDK has no such type, or more than one.
    """
    package, _, plain = name.rpartition(".")
    folder = f"{letta_client.types.__name__}.{package}".rstrip(".")
    module = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", plain).lower()
    candidates = [found for found in _modules() if found.rpartition(".")[2] == module]
    if package or len(candidates) > 1:
        candidates = [found for found in candidates if found.rpartition(".")[0] == folder]
    if len(candidates) != 1:
        raise LookupError(f"the SDK should have one type {name}, found it in {candidates}")
    return getattr(importlib.import_module(candidates[0]), plain)


@cache
def _modules() -> tuple[str, ...]:
    package = letta_client.types
    return tuple(found.name for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))
