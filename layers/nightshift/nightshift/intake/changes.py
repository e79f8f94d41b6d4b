"""Changes that others may be making too: read, change, write on condition that nothing came between, or begin anew."""

import random
from collections.abc import Callable
from typing import Final

from nightshift.clock import Clock
from nightshift.domain.errors import ConditionFailedError, TransientError

MAX_ATTEMPTS: Final = 20
"""Each round at least one writer gets through, so that many changes of one thing at once all do."""

MAX_WAIT_SECONDS: Final = 0.05
"""Between two attempts, at random: those who met go apart."""


def until_unchanged[Result](clock: Clock, attempt: Callable[[], Result]) -> Result:
    """Repeat what reads a thing and writes it back, until nobody wrote it in between.

    Raises:
        TransientError: others were first every time.
    """
    for _ in range(MAX_ATTEMPTS):
        try:
            return attempt()
        except ConditionFailedError:
            clock.sleep(random.uniform(0, MAX_WAIT_SECONDS))
    raise TransientError(f"the thing was changed by others {MAX_ATTEMPTS} times in a row")
