"""How much a function loads when it starts cold, measured in a fresh interpreter."""

import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]

BASELINE = "import boto3; boto3.client('sqs', region_name='eu-central-1')"
"""What any function on AWS pays: boto3 and one client."""


def modules_loaded_by(code: str) -> set[str]:
    """Return the names of all modules after running `code`, with no environment but the product's import paths."""
    paths = [_ROOT / "layers" / "nightshift", *(_ROOT / "functions").iterdir()]
    script = f"{code}\nimport sys\nprint('\\n'.join(sys.modules))"
    result = subprocess.run(  # noqa: S603 -- our own code in our own interpreter
        [sys.executable, "-c", script],
        env={"PYTHONPATH": ":".join(map(str, paths))},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(result.stdout.split())
