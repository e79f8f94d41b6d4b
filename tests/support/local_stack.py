"""The deployed template on an embedded AWS of one's own: another port, another home, gone at the end."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import boto3
from letta_client import Letta

from support.scripted_model.server import ScriptedModel

ROOT = Path(__file__).parents[2]
STACK_COMMAND = Path("ops") / "local" / "stack.py"

PARAMETERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # Short, so that a killed function costs seconds and a run of a few steps outlives its slice.
        "LeaseSeconds": "6",
        "SliceSeconds": "1",
    }
)


_FUNCTION: Final = re.compile(r"ministack-lambda-\w+-(\w+)Function-[^/]*/_worker\.py")


@dataclass(frozen=True, slots=True)
class FunctionProcess:
    """A process of a function, by its logical id without `Function`; empty for one that the function itself started."""

    pid: int
    function: str


@dataclass(frozen=True, slots=True)
class LocalStack:
    """A stack of its own; `up` starts and deploys it."""

    home: Path
    port: int
    environment: Mapping[str, str]
    parameters: Mapping[str, str]

    @property
    def description(self) -> dict[str, Any]:
        """Return what stack.json says: addresses, keys, outputs."""
        described: dict[str, Any] = json.loads((self.home / "stack.json").read_text())
        return described

    def command(self, name: str, tree: Path = ROOT, **parameters: str) -> None:
        """Run `up`, `down` or `reset`; `parameters` override those of the stack for this once.

        Args:
            tree: the working tree that is deployed.
        """
        command = str(tree / STACK_COMMAND)
        arguments = [sys.executable, command, name, "--port", str(self.port), "--home", str(self.home)]
        for key, value in {**self.parameters, **parameters}.items():
            arguments += ["--parameter", f"{key}={value}"]
        result = subprocess.run(arguments, env=self.environment, capture_output=True, text=True, check=False)  # noqa: S603 -- our own program
        assert result.returncode == 0, f"{name} failed:\n{result.stdout}\n{result.stderr}"

    def letta(self) -> Letta:
        """Return the official SDK, pointed at the stack."""
        return Letta(base_url=self.description["base_url"], api_key=self.description["api_key"])

    def aws(self, service: str) -> Any:
        """Return a client of the embedded AWS."""
        return boto3.client(
            service,  # type: ignore[call-overload]  # one call for all services
            endpoint_url=self.description["aws_endpoint_url"],
            region_name=self.description["region"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def output(self, name: str) -> str:
        return str(self.description["outputs"][name])

    def function_processes(self) -> list[FunctionProcess]:
        """Return the processes that execute functions now."""
        listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,command="], capture_output=True, text=True, check=True)  # noqa: S607 -- ps of the PATH
        return [
            FunctionProcess(int(pid), found[1] if (found := _FUNCTION.search(command)) else "")
            for pid, _, command in (line.strip().partition(" ") for line in listed.stdout.splitlines())
            if command.strip().startswith(f"{self.home}{os.sep}tmp{os.sep}")
        ]

    def kill_function_processes(self) -> int:
        """End every process that executes functions with SIGKILL; return how many there were."""
        workers = self.function_processes()
        for worker in workers:
            kill(worker.pid)
        return len(workers)

    def kill_emulator(self) -> None:
        """End the emulator itself with SIGKILL."""
        pid = json.loads((self.home / "emulator.json").read_text())["pid"]
        kill(pid)
        while _is_alive(pid):
            time.sleep(0.05)


def copy_working_tree(tree: Path) -> None:
    """Copy what is deployed, so that the copy may be changed and deployed; its dependencies are not built again."""
    for name in ("template.yaml", "samconfig.toml", ".python-version"):
        shutil.copy2(ROOT / name, tree)
    for name in ("functions", "layers", "statemachines", "ops"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / ".aws-sam").mkdir()
    for name in (".venv-sam", ".aws-sam/deps"):
        (tree / name).symlink_to(ROOT / name)
    # It names by whole paths what the dependencies are of.
    built = (ROOT / ".aws-sam" / "build.toml").read_text()
    (tree / ".aws-sam" / "build.toml").write_text(built.replace(f'"{ROOT}/', f'"{tree}/'))


def kill(pid: int) -> None:
    """End a process with SIGKILL, if it is still there."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def running_stack(home: Path, provider: ScriptedModel, **parameters: str) -> Iterator[LocalStack]:
    """Deploy a stack whose `openai/…` models are those of `provider`, and forget it at the end.

    `parameters` are the template's, in place of or beside those that every such stack has.
    """
    providers = {"OPENAI_BASE_URL": provider.openai_base_url, "OPENAI_API_KEY": "scripted"}
    stack = LocalStack(home, _free_port(), {**os.environ, **providers}, {**PARAMETERS, **parameters})
    try:
        stack.command("up")
        yield stack
    finally:
        stack.command("reset")


def _is_alive(pid: int) -> bool:
    state = subprocess.run(["ps", "-p", str(pid), "-o", "stat="], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607 -- our own process, by ps of the PATH
    return bool(state.strip()) and not state.strip().startswith("Z")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
