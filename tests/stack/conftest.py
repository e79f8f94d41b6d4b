"""The deployed template on an embedded AWS of the tests' own: another port, another home, gone at the end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from letta_client import Letta

from support.scripted_model.rules import echo_history
from support.scripted_model.server import ScriptedModel

ROOT = Path(__file__).parents[2]
STACK_COMMAND = ROOT / "ops" / "local" / "stack.py"

PARAMETERS = {
    # Short, so that a killed function costs seconds and a run of a few steps outlives its slice.
    "LeaseSeconds": "6",
    "SliceSeconds": "1",
}


@dataclass(frozen=True, slots=True)
class LocalStack:
    """A running stack.

    Attributes:
        description: what stack.json says.
    """

    home: Path
    port: int
    description: dict[str, Any]
    environment: dict[str, str]

    def command(self, name: str) -> None:
        """Run `up`, `down` or `reset` for this stack."""
        arguments = [sys.executable, str(STACK_COMMAND), name, "--port", str(self.port), "--home", str(self.home)]
        for key, value in PARAMETERS.items():
            arguments += ["--parameter", f"{key}={value}"]
        result = subprocess.run(arguments, env=self.environment, capture_output=True, text=True, check=False)  # noqa: S603
        assert result.returncode == 0, f"{name} failed:\n{result.stdout}\n{result.stderr}"

    def letta(self) -> Letta:
        """Return the official SDK, pointed at the stack."""
        return Letta(base_url=self.description["base_url"], api_key=self.description["api_key"])

    def aws(self, service: str) -> Any:
        """Return a client of the embedded AWS."""
        return boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.description["aws_endpoint_url"],
            region_name=self.description["region"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def output(self, name: str) -> str:
        return str(self.description["outputs"][name])

    def kill_function_processes(self) -> int:
        """End every process that executes functions with SIGKILL; return how many there were."""
        listed = subprocess.run(["ps", "-A", "-o", "pid=,command="], capture_output=True, text=True, check=True)  # noqa: S607
        workers = [
            int(pid)
            for pid, _, command in (line.strip().partition(" ") for line in listed.stdout.splitlines())
            if command.strip().startswith(f"{self.home}{os.sep}tmp{os.sep}")
        ]
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(workers)

    def kill_emulator(self) -> None:
        """End the emulator itself with SIGKILL."""
        pid = json.loads((self.home / "emulator.json").read_text())["pid"]
        os.kill(pid, signal.SIGKILL)
        while _is_alive(pid):
            time.sleep(0.05)


@pytest.fixture(scope="session")
def provider() -> Iterator[ScriptedModel]:
    """The model behind every `openai/…` handle; tests give each model id a script of its own."""
    with ScriptedModel(rule=echo_history) as model:
        yield model


@pytest.fixture(scope="session")
def local_stack(provider: ScriptedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    home = tmp_path_factory.mktemp("stack") / "home"
    providers = {"OPENAI_BASE_URL": provider.openai_base_url, "OPENAI_API_KEY": "scripted"}
    stack = LocalStack(home, _free_port(), {}, {**os.environ, **providers})
    try:
        stack.command("up")
        description = json.loads((home / "stack.json").read_text())
        yield LocalStack(stack.home, stack.port, description, stack.environment)
    finally:
        stack.command("reset")


def _is_alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-p", str(pid), "-o", "stat="], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607
    return bool(state.strip()) and not state.strip().startswith("Z")


@pytest.fixture
def letta(local_stack: LocalStack) -> Letta:
    return local_stack.letta()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
