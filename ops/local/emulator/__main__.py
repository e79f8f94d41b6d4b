"""Run MiniStack with our corrections: ``python -m emulator`` with ``ops/local`` on PYTHONPATH.

The environment configures it exactly as it configures ``ministack`` itself (GATEWAY_PORT, BIND_HOST, STATE_DIR, ...).
EMULATOR_WITHOUT=all starts the release as shipped and EMULATOR_WITHOUT=autosave,handler_errors leaves single
corrections out: that is how the probes of ``tests/emulator`` show that each of them is still needed.
"""

import logging
import os
import sys

# A function's process inherits the environment: without this it would find our modules beside its own.
os.environ.pop("PYTHONPATH", None)

import ministack.app

from emulator.catalogue import CORRECTIONS
from emulator.expectations import ExpectationError, expect_pinned_release

logger = logging.getLogger("emulator")


def main() -> None:
    """Apply the chosen corrections, then hand over to MiniStack until it is told to stop."""
    left_out = frozenset(filter(None, os.environ.get("EMULATOR_WITHOUT", "").split(",")))
    try:
        apply_corrections(left_out)
    except ExpectationError as error:
        sys.exit(f"ERROR: {error}")
    ministack.app.main()


def apply_corrections(left_out: frozenset[str]) -> None:
    """Apply every correction but those named in ``left_out`` ("all" means every one).

    Raises:
        ExpectationError: The installed MiniStack is not the one these corrections were written for.
    """
    if "all" in left_out:
        return
    expect_pinned_release()
    if unknown := left_out - CORRECTIONS.keys():
        raise ExpectationError(f"EMULATOR_WITHOUT names no correction: {', '.join(sorted(unknown))}")
    for name, apply in CORRECTIONS.items():
        if name not in left_out:
            apply()
    logger.info("corrections applied: %s", ", ".join(name for name in CORRECTIONS if name not in left_out))


main()
