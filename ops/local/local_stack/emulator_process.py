"""The emulator's process: started in a group of its own, found again by a file in the home, ended with its workers."""

import http
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from local_stack.console import StackError, say, step, tail
from local_stack.settings import ROOT, Settings

PYTHON = ROOT / ".venv-emulator" / "bin" / "python"
START_SECONDS = 60
"""How long the emulator may take to answer; it restores its state first."""
STOP_SECONDS = 20
"""How long it may take to save and end after SIGTERM, before SIGKILL."""
WORKERS_STOP_SECONDS = 1
"""How long invocations in flight may take to end meanwhile."""
LOG_BYTES = 10_000_000
"""A larger log is set aside when the emulator starts."""


@dataclass(frozen=True, slots=True)
class Running:
    """An emulator that was started from a home. The start time tells it from a later process with its id."""

    pid: int
    port: int
    started: str


def start(settings: Settings) -> None:
    """Start the emulator unless it runs already; return when it answers.

    Raises:
        StackError: The port is taken, the home's emulator runs on another port, or it does not come up.
    """
    running = find(settings)
    if running is not None:
        if running.port != settings.port:
            raise StackError(
                f"the emulator of {settings.shown(settings.home)} runs on port {running.port}: "
                f"use PORT={running.port}, or `make down` first"
            )
        say(f"emulator    runs on {settings.endpoint_url} (pid {running.pid})")
        return
    if _is_taken(settings.port):
        raise StackError(
            f"port {settings.port} is used by another program: choose another, for example PORT={settings.port + 1}"
        )
    _end_workers(settings)
    shutil.rmtree(settings.temporary_folder, ignore_errors=True)
    settings.temporary_folder.mkdir(parents=True)
    for log_file in (settings.log_file, settings.function_log_file):
        _set_aside_if_large(log_file)
    with step("emulator", f"starts on {settings.endpoint_url}") as progress:
        process = _spawn(settings)
        _await_answer(settings, process)
        progress.result = f"runs, pid {process.pid}"


def stop(settings: Settings) -> None:
    """Stop the emulator and everything it started; safe to repeat."""
    if not settings.has_home:
        say(f"emulator    was never started from {settings.shown(settings.home)}")
        return
    running = find(settings)
    if running is None:
        say(f"emulator    does not run from {settings.shown(settings.home)}")
    else:
        with step("emulator", f"stops, pid {running.pid}"):
            _terminate(running, settings)
    _end_workers(settings)
    _pid_file(settings).unlink(missing_ok=True)
    shutil.rmtree(settings.temporary_folder, ignore_errors=True)


def find(settings: Settings) -> Running | None:
    """The emulator that was started from this home, if it is alive."""
    try:
        running = Running(**json.loads(_pid_file(settings).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return running if _start_time(running.pid) == running.started else None


def _pid_file(settings: Settings) -> Path:
    return settings.home / "emulator.json"


def _spawn(settings: Settings) -> subprocess.Popen[bytes]:
    with settings.log_file.open("ab") as log:
        process = subprocess.Popen(
            [PYTHON, "-m", "emulator"],
            cwd=settings.home,
            env=settings.emulator_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # A group of its own: Ctrl-C in the terminal does not reach it, and its workers are found by the group.
            start_new_session=True,
        )
    running = Running(process.pid, settings.port, _start_time(process.pid) or "")
    _pid_file(settings).write_text(json.dumps(asdict(running)))
    return process


def _await_answer(settings: Settings, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise StackError(
                f"the emulator ended at its start; {settings.shown(settings.log_file)}:\n{tail(settings.log_file)}"
            )
        if _answers(settings.port):
            return
        time.sleep(0.05)
    raise StackError(f"the emulator does not answer after {START_SECONDS} s: see {settings.shown(settings.log_file)}")


def _set_aside_if_large(log_file: Path) -> None:
    if log_file.exists() and log_file.stat().st_size > LOG_BYTES:
        log_file.replace(log_file.with_suffix(".old.log"))


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/_ministack/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _terminate(running: Running, settings: Settings) -> None:
    """Let the emulator save and end. It waits for invocations in flight, so their workers are ended after a moment."""
    os.kill(running.pid, signal.SIGTERM)
    started = time.monotonic()
    while _start_time(running.pid) == running.started:
        waited_seconds = time.monotonic() - started
        if waited_seconds > STOP_SECONDS:
            os.kill(running.pid, signal.SIGKILL)
        elif waited_seconds > WORKERS_STOP_SECONDS:
            _end_workers(settings)
        _collect_child(running.pid)
        time.sleep(0.05)


def _collect_child(pid: int) -> None:
    """Collect the emulator if it is a child of this very process, else it would stay visible as a zombie."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def _end_workers(settings: Settings) -> None:
    """End the functions' processes: without their emulator a busy one goes on until its handler returns."""
    for pid in _worker_pids(settings):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _worker_pids(settings: Settings) -> Iterator[int]:
    """Processes whose program is in this home's temporary folder, where only workers are."""
    for line in _processes("-A", "-ww", "-o", "pid=,command="):
        pid, _, command = line.strip().partition(" ")
        if command.strip().startswith(f"{settings.temporary_folder}{os.sep}"):
            yield int(pid)


def _start_time(pid: int) -> str | None:
    """When a live process started; None when there is none, or only a zombie."""
    for line in _processes("-p", str(pid), "-o", "stat=,lstart="):
        state, _, started = line.strip().partition(" ")
        return None if state.startswith("Z") else started.strip()
    return None


def _processes(*options: str) -> list[str]:
    environment = {**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    return subprocess.run(
        ["ps", *options], capture_output=True, text=True, check=False, env=environment
    ).stdout.splitlines()


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
