"""Runs a program for a Letta server that prints what it found as JSON."""

import json
import os
import subprocess
from collections.abc import Sequence
from typing import Any

from support.local_stack import LocalStack

SCRIPT_SECONDS = 240


def run_script(stack: LocalStack, command: Sequence[str], **variables: str) -> Any:
    """Return what a script printed; address and key are in its environment, beside `variables`."""
    environment = {
        **os.environ,
        "LETTA_BASE_URL": stack.description["base_url"],
        "LETTA_API_KEY": stack.description["api_key"],
        **variables,
    }
    ended = subprocess.run(  # noqa: S603 -- our own program
        command, env=environment, capture_output=True, text=True, check=False, timeout=SCRIPT_SECONDS
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)
