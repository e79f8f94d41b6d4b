"""One tool call from beginning to end: a folder, a process, its watch, and what came of it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import own_process
from limits import Limits
from process_tree import ProcessTree, count_threads_of
from scratch_folder import scratch_folder
from watch import Ending, Seen, Watch

USER_PROCESS: Final = Path(__file__).with_name("user_process.py")

NOBODY: Final = 65534
"""The user that code runs as where this process is root's, which it isn't on Lambda."""

_MAX_ANSWER_BYTES: Final = 5_500_000
"""Lambda's limit of an answer is 6 MB."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call.

    Attributes:
        ended_by: `tool` if the code ended by itself, else which limit ended it; for the log.
        confined_by: what the kernel let the user process confine itself with; for the log.
    """

    status: str
    text: str
    stdout: str = ""
    stderr: str = ""
    ended_by: str = "tool"
    confined_by: list[str] = field(default_factory=list)

    def to_answer(self) -> dict[str, Any]:
        """Return the answer, cut where all together is more than Lambda carries."""
        answer = {
            "status": self.status,
            "text": self.text,
            "stdout": [self.stdout] if self.stdout else [],
            "stderr": [self.stderr] if self.stderr else [],
        }
        size = len(json.dumps(answer, ensure_ascii=False).encode("utf-8", "replace"))
        if size <= _MAX_ANSWER_BYTES:
            return answer
        kept = self.text[: len(self.text) * _MAX_ANSWER_BYTES // size // 2]
        return answer | {"text": f"{kept}... [NOTE: cut, since the result is too large for a sandbox's answer]"}


def execute(event: Mapping[str, Any], longest_seconds: float) -> Outcome:
    """Execute the call that the event describes, in at most this time."""
    limits = Limits.of_call(float(event["timeout_seconds"]), longest_seconds)
    name = str(event["function_name"])
    own_process.adopt_orphans()
    tree = ProcessTree.begin()
    with scratch_folder(_file_user()) as folder:
        try:
            seen = _run(event, limits, tree, folder)
        finally:
            tree.kill()
    return _to_outcome(name, seen, limits)


def _run(event: Mapping[str, Any], limits: Limits, tree: ProcessTree, folder: Path) -> Seen:
    request = json.dumps(
        {
            **{key: event[key] for key in ("source_code", "function_name", "arguments", "return_char_limit")},
            "agent_state": event.get("agent_state"),
            "environment": _environment(event, folder),
            "limits": limits.to_json() | {"processes": limits.processes + count_threads_of(_user())},
            "user": _user(),
            "file_user": _file_user(),
        }
    ).encode()
    result_read, result_write = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 -- running users' code is what this is for
            [sys.executable, "-I", "-S", "-B", "-X", "utf8", os.fspath(USER_PROCESS), str(result_write)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_interpreters_environment(),
            cwd=folder,
            pass_fds=[result_write],
            start_new_session=True,
        )
    finally:
        os.close(result_write)
    with closing(Watch(process, result_read, limits, tree, folder)) as watch:
        return watch.until_end(request)


def _interpreters_environment() -> dict[str, str]:
    """Return what the interpreter itself needs to start; the user process forgets it before it calls the tool.

    Lambda's Python finds its shared library by this variable alone.
    """
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


def _environment(event: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """Return all that the code finds in its environment: the agent's secrets, and what programs can't do without."""
    usual = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(folder), "TMPDIR": str(folder)}
    return usual | dict(event["environment"]) | {"TOOL_CALL_ID": str(event["tool_call_id"])}


def _user() -> int:
    """Return the user whose count of processes is limited."""
    return NOBODY if os.geteuid() == 0 else os.getuid()


def _file_user() -> int:
    """Return the user whose files the code may read: nobody's where root's interpreter is open to all."""
    if os.geteuid() != 0:
        return os.getuid()
    interpreter = Path(sys.executable).resolve()
    library = Path(os.__file__).resolve()
    reachable = [*interpreter.parents, *library.parents, *USER_PROCESS.resolve().parents]
    return NOBODY if all(folder.stat().st_mode & 0o001 for folder in reachable) else 0


def _to_outcome(name: str, seen: Seen, limits: Limits) -> Outcome:
    result = _read_result(seen.result)
    confined_by = result.get("confined_by") if result else None
    known = [str(part)[:20] for part in confined_by][:4] if isinstance(confined_by, list) else []
    if result is not None and seen.ending is Ending.TOOL:
        return Outcome(result["status"], result["text"], seen.stdout, seen.stderr, confined_by=known)
    reason = _explain(seen, limits)
    text = f"Error executing function {name}: {reason}"
    stderr = f"{seen.stderr}\n{text}" if seen.stderr else text
    return Outcome("error", text, seen.stdout, stderr, seen.ending.value, known)


def _read_result(data: bytes) -> dict[str, Any] | None:
    """Return what the user process wrote if that is a result; the code may have written something else there."""
    try:
        found = json.loads(data)
        is_result = found["status"] in ("success", "error") and isinstance(found["text"], str)
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return found if is_result else None


def _explain(seen: Seen, limits: Limits) -> str:
    reasons = {
        Ending.TIME: f"TimeoutError: the tool did not end within {limits.seconds:g} seconds",
        Ending.MEMORY: f"MemoryError: the tool used more than {limits.memory_bytes >> 20} MiB of memory",
        Ending.PROCESSES: f"SandboxError: the tool started more than {limits.processes} processes",
        Ending.FILES: f"SandboxError: the tool wrote more than {limits.folder_bytes >> 20} MiB, or too many files",
    }
    if seen.ending in reasons:
        return reasons[seen.ending]
    if seen.exit_code == -signal.SIGXCPU:
        return f"TimeoutError: the tool used more than {limits.seconds:g} seconds of processor time"
    end = f"was ended by signal {-seen.exit_code}" if seen.exit_code < 0 else f"ended with exit code {seen.exit_code}"
    return f"SandboxError: the tool's process {end} and gave no result"
