"""The sandbox as it runs on Lambda and as it runs on one's own machine, with credentials to steal."""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tools.sandbox_host import USER

LOCK = Path(tempfile.gettempdir()) / "nightshift-sandbox-tests.lock"
HOST = Path(__file__).with_name("sandbox_host.py")

STOLEN = "AKIASTOLENFROMHERE"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": STOLEN,
    "AWS_SECRET_ACCESS_KEY": f"secret-{STOLEN}",
    "AWS_SESSION_TOKEN": f"token-{STOLEN}",
}

GRACE_SECONDS = 8
"""What starting the host and ending a tool's processes may take on a busy machine."""

MAX_HOST_KIB = 100 * 1024
"""Memory of the process that watches, whatever the tool prints."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call."""

    status: str
    text: str
    stdout: list[str]
    stderr: list[str]


@dataclass(frozen=True, slots=True)
class Host:
    """Starts a process like Lambda's for every call, and checks that nothing is left of it."""

    mode: str
    temporary: Path

    def run(self, source: str, *, timeout_seconds: float = 3, **fields: Any) -> Answer:
        """Run the tool `hostile` of this source."""
        (answer,) = self.run_all([event_of(source, timeout_seconds=timeout_seconds, **fields)])
        return answer

    def run_all(self, events: list[dict[str, Any]], *options: str) -> list[Answer]:
        """Run calls one after another in one process; sandbox_host.py has the options."""
        environment = {
            **CREDENTIALS,
            "AWS_LAMBDA_FUNCTION_NAME": "tool_sandbox",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "448",
            "PATH": os.environ["PATH"],
            "TMPDIR": str(self.temporary),
        }
        allowed_seconds = sum(event["timeout_seconds"] for event in events) + GRACE_SECONDS
        started = time.monotonic()
        command = [sys.executable, str(HOST), f"--{self.mode}", *options]
        finished = subprocess.run(  # noqa: S603 -- our own program
            command, input=json.dumps(events), env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert finished.returncode == 0, finished.stderr
        assert time.monotonic() - started < allowed_seconds
        report = json.loads(finished.stdout)
        self._assert_nothing_left(report)
        return [Answer(**answer) for answer in report["answers"]]

    def _assert_nothing_left(self, report: dict[str, Any]) -> None:
        assert report["left_processes"] == []
        assert os.listdir(self.temporary) == []
        assert report["peak_kib"] < MAX_HOST_KIB
        assert STOLEN not in json.dumps(report["own_environment"])
        if self.mode == "as-on-lambda" and os.geteuid() == 0:
            assert processes_of(USER) == []
        assert STOLEN not in json.dumps(report["answers"])


def event_of(source: str, **fields: Any) -> dict[str, Any]:
    """Return what the function is invoked with."""
    return {
        "tenant": "default",
        "source_code": source,
        "function_name": "hostile",
        "arguments": {},
        "environment": {},
        "tool_call_id": "call-1",
        "timeout_seconds": 3,
        "return_char_limit": 2_000,
    } | fields


def processes_of(user: int) -> list[int]:
    """Return the user's processes that are alive."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "status").read_text()
        except OSError:
            continue
        if f"\nUid:\t{user}\t" in status and "\nState:\tZ" not in status:
            found.append(int(folder.name))
    return found


@pytest.fixture(params=["as-on-lambda", "as-on-ones-own-machine"])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    """A host; its temporary folder is open to all users, as /tmp is.

    One at a time, whatever runs beside: on Lambda all are one user, whose processes some end and whose remains are
    looked for.
    """
    with tempfile.TemporaryDirectory(prefix="sandbox-test-") as folder, LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        Path(folder).chmod(0o777)
        yield Host(request.param, Path(folder))
