"""samconfig.toml: what it says of an environment, and the template's parameters for a deploy there."""

import shlex
import time
import tomllib
from collections.abc import Iterable
from typing import Any

from local_stack.console import StackError
from local_stack.settings import ROOT


def stack_name(environment: str) -> str:
    """Return the name of the environment's stack.

    Raises:
        StackError: samconfig.toml has no such section.
    """
    name: str = _section(environment)["global"]["parameters"]["stack_name"]
    return name


def parameters(environment: str, overrides: Iterable[str]) -> dict[str, str]:
    """Return samconfig.toml's parameters of the template, then ``overrides`` (``Key=Value``), which win.

    Raises:
        StackError: samconfig.toml has no such section.
    """
    declared = _section(environment).get("deploy", {}).get("parameters", {}).get("parameter_overrides", [])
    declared = shlex.split(declared) if isinstance(declared, str) else declared
    return dict(override.split("=", 1) for override in [*declared, *overrides])


def as_new_release(parameters: dict[str, str]) -> list[str]:
    """Return ``--parameter-overrides`` with all of them, which replaces those of samconfig.toml, and a new release.

    SAM publishes a new version of a function when its code changes, not when only a layer or a parameter does. So the
    template takes the release in place of the code's hash, and no two deploys have the same: after a rollback, what is
    deployed once more must differ from the version that Lambda has of it already.
    """
    released = {**parameters, "Release": str(int(time.time()))}
    return ["--parameter-overrides", *(f"{name}={value}" for name, value in released.items())]


def _section(environment: str) -> dict[str, Any]:
    sections = tomllib.loads((ROOT / "samconfig.toml").read_text())
    if environment not in sections:
        known = ", ".join(sorted(sections.keys() - {"version"}))
        raise StackError(f"samconfig.toml has no section {environment!r}: use one of {known}")
    section: dict[str, Any] = sections[environment]
    return section
