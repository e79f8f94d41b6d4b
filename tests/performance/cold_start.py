"""What a function's cold start costs: its handler module imported in a fresh interpreter."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ROOT = Path(__file__).parents[2]

BASELINE: Final = "import boto3; boto3.client('dynamodb', region_name='eu-central-1')"
"""What any function on AWS pays."""

_SCRIPT: Final = """
import sys, time
started_ns = time.process_time_ns()
{code}
cpu_ns = time.process_time_ns() - started_ns
modules = sorted(sys.modules)
import json
print(json.dumps([cpu_ns, modules]))
"""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """One import.

    Attributes:
        modules: everything loaded afterwards, the interpreter's own modules too.
        cpu_ms: time of the processor, which other work on the machine disturbs less than it does the clock's.
    """

    modules: frozenset[str]
    cpu_ms: float


class ColdStarts:
    """Starts interpreters with the product's import paths and hardly any environment.

    Args:
        bytecode: folder for compiled modules. Without one a module would be compiled at every start where writing
            bytecode is switched off, and a measurement would be of the compiler.
    """

    def __init__(self, bytecode: Path) -> None:
        paths = [_ROOT / "layers" / "nightshift", *sorted((_ROOT / "functions").iterdir())]
        self._environment: Mapping[str, str] = {
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "PYTHONPYCACHEPREFIX": str(bytecode),
        }

    def run(self, code: str) -> ColdStart:
        """Run `code` in a fresh interpreter; the first time compiles, so it counts for nothing.

        Raises:
            RuntimeError: the code failed; holds its traceback.
        """
        result = subprocess.run(  # noqa: S603 -- our own interpreter on our own code
            [sys.executable, "-c", _SCRIPT.format(code=code)],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise RuntimeError(result.stderr)
        cpu_ns, modules = json.loads(result.stdout)
        return ColdStart(frozenset(modules), cpu_ns / 1e6)
