"""How far a long command is, on standard error."""

import sys
from collections.abc import Iterable, Iterator

STEP = 100
"""Things between two lines."""


def shown[Thing](things: Iterable[Thing], what: str) -> Iterator[Thing]:
    """Yield the things; tell every hundred how many are done."""
    for done, thing in enumerate(things, 1):
        yield thing
        if done % STEP == 0:
            print(f"{what}: {done}", file=sys.stderr, flush=True)
