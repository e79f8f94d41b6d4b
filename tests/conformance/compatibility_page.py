"""docs/api/compatibility.md: what became of each SDK method in a test run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import letta_client

from support.sdk_methods import SdkMethod

PAGE: Final = Path(__file__).parents[2] / "docs" / "api" / "compatibility.md"

_HEAD: Final = """\
# Compatibility

Every method of the official SDK, `letta-client` {version}; that of Node has the same routes. `make compatibility`
writes this page from a test run: each method was called in process, and its answer passed the SDK's strict validation,
or was the refusal that says what is not offered.

{supported} are supported, {differing} differ as said, {unoffered} are not offered and answer 501 with what is said.

| method | route | | |
|---|---|---|---|
"""

SUPPORTED: Final = "supported"
DIFFERS: Final = "differs"
NOT_OFFERED: Final = "not offered"

type Verdict = tuple[str, str]
"""One of the three words, and what there is to say."""


def render(verdicts: Mapping[SdkMethod, Verdict]) -> str:
    """Return the page."""
    words = [word for word, _ in verdicts.values()]
    head = _HEAD.format(
        version=letta_client.__version__,
        supported=words.count(SUPPORTED),
        differing=words.count(DIFFERS),
        unoffered=words.count(NOT_OFFERED),
    )
    return head + "".join(_row(method, *verdicts[method]) for method in sorted(verdicts, key=lambda each: each.name))


def _row(method: SdkMethod, word: str, remark: str) -> str:
    path = method.path.replace("<", "{").replace(">", "}")
    return f"| `{method.name}` | {method.http_method} {path} | {word} | {remark} |\n"
