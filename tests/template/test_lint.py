"""cfn-lint finds nothing, neither in template.yaml nor in what is deployed of it; warnings count."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from template.expand import TEMPLATE

type Json = dict[str, Any]


def lint(text: str) -> str:
    """Return what cfn-lint says about a template, nothing if it has no finding."""
    linter = Path(sys.executable).with_name("cfn-lint")
    command = [str(linter), "--format", "parseable"]
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=False)  # noqa: S603 -- see above
    return result.stdout + result.stderr


def test_template_has_no_finding() -> None:
    assert lint(TEMPLATE.read_text()) == ""


def test_nested_template_has_no_finding() -> None:
    assert lint((TEMPLATE.parent / "ops" / "observability.yaml").read_text()) == ""


def test_expanded_template_has_no_finding(expanded: Json) -> None:
    assert lint(json.dumps(expanded)) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "rule"),
    [
        ('"dynamodb:DeleteItem"', '"dynamodb:DeleteItm"', "W3037"),
        ('"StartAt": "Decide"', '"StartAt": "Decides"', "E3601"),
    ],
    ids=["action", "state"],
)
def test_mistake_in_the_expanded_template_is_found(expanded: Json, right: str, wrong: str, rule: str) -> None:
    """Guards the gate: on template.yaml itself cfn-lint sees none of these."""
    text = json.dumps(expanded)
    assert right in text
    assert rule in lint(text.replace(right, wrong))
