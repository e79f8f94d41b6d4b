"""``sam build``, skipped while nothing that goes into the build has changed."""

import hashlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

from local_stack.console import StackError, say, step, tail
from local_stack.settings import ROOT, Settings, locked

SAM = ROOT / ".venv-sam" / "bin" / "sam"
BUILT_TEMPLATE = ROOT / ".aws-sam" / "build" / "template.yaml"
RECORD = ROOT / ".aws-sam" / "built.json"

SOURCES = (
    "template.yaml",
    "samconfig.toml",
    ".python-version",
    "functions/**/*",
    "layers/**/*",
    "statemachines/**/*",
    "ops/*.yaml",
)


def build(settings: Settings) -> str:
    """Build what the working tree holds, and return the hash of its sources.

    Raises:
        StackError: The build failed; the message holds the end of its output.
    """
    with locked(ROOT / ".aws-sam" / "build.lock"):
        sources = hash_of_sources()
        if _recorded() == {"sources": sources, "template": _hash_of(BUILT_TEMPLATE)}:
            say("build       nothing changed")
            return sources
        with step("build", "sam build"):
            run_sam(settings, "build", log_name="build.log")
        RECORD.write_text(json.dumps({"sources": sources, "template": _hash_of(BUILT_TEMPLATE)}))
        return sources


def hash_of_sources() -> str:
    """One hash over the names and contents of everything that goes into the build."""
    digest = hashlib.sha256()
    for path in _source_files():
        digest.update(f"{path.relative_to(ROOT)}\0{_hash_of(path)}\n".encode())
    return digest.hexdigest()


def run_sam(settings: Settings, command: str, *options: str, log_name: str) -> None:
    """Run a SAM CLI command with the section ``local`` of samconfig.toml; its output goes to a log in the home."""
    log_file = settings.home / log_name
    with log_file.open("w") as log:
        completed = subprocess.run(
            [SAM, command, "--config-env", "local", *options],
            cwd=ROOT,
            env=_sam_environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
        )
    if completed.returncode != 0:
        raise StackError(f"`sam {command}` failed; the end of {settings.shown(log_file)}:\n{tail(log_file)}")


def _sam_environment(settings: Settings) -> dict[str, str]:
    return settings.aws_environment() | {
        # `sam build` takes the Python 3.13 with pip that it finds on PATH.
        "PATH": f"{SAM.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_POLL_DELAY": "0.1",
    }


def _source_files() -> Iterator[Path]:
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


def _hash_of(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def _recorded() -> dict[str, str] | None:
    try:
        recorded: dict[str, str] = json.loads(RECORD.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return recorded
