"""The client of tool_sandbox, the function that alone executes users' Python tools.

How the function is invoked is given to it, so that tests run the real handler in process. What user code does, up to
ending the sandbox itself, becomes a result; only a function that could not be invoked is an error, and then the code
may or may not have run: see promise 6 for what its caller does about that.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from nightshift.domain.errors import TransientError
from nightshift.domain.tool import Tool
from nightshift.telemetry import current_log_keys

MAX_REQUEST_BYTES: Final = 5_500_000
"""Of source, arguments, agent state and environment together, as JSON; Lambda takes 6 MB in one request."""

type Status = Literal["success", "error"]


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """One call of one tool.

    Attributes:
        tenant: whose code it is; code of two tenants never shares a sandbox, not even one after the other.
        arguments: by parameter name, as the model gave them: JSON values.
        environment: the agent's secrets, which the code finds as its environment variables.
        tool_call_id: the call's idempotency key, given to the code as TOOL_CALL_ID.
        timeout_seconds: wall-clock time for the code; the sandbox has a highest value of its own.
        return_char_limit: characters of the result that are kept; what is cut is remarked.
        agent_state: given to a parameter of this name if the function has one.
    """

    tenant: str
    source_code: str
    function_name: str
    arguments: Mapping[str, Any]
    environment: Mapping[str, str] = field(repr=False)
    tool_call_id: str
    timeout_seconds: float
    return_char_limit: int
    agent_state: Mapping[str, Any] | None = None

    def to_payload(self) -> dict[str, Any]:
        """Return what tool_sandbox is invoked with."""
        return {
            "tenant": self.tenant,
            "source_code": self.source_code,
            "function_name": self.function_name,
            "arguments": dict(self.arguments),
            "environment": dict(self.environment),
            "tool_call_id": self.tool_call_id,
            "timeout_seconds": self.timeout_seconds,
            "return_char_limit": self.return_char_limit,
            "agent_state": None if self.agent_state is None else dict(self.agent_state),
            "log_keys": current_log_keys(),
        }


@dataclass(frozen=True, slots=True)
class SandboxResult:
    """What came of a call.

    Attributes:
        text: the function's value as text, or what went wrong.
        stdout: what the code printed, one element when it printed at all.
        stderr: the traceback of an error and what the code wrote to stderr.
    """

    status: Status
    text: str
    stdout: tuple[str, ...] = ()
    stderr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Runs tools.

    Attributes:
        invoke: sends a request to the function and returns its answer; a function that failed as a whole answers
            `errorType` and `errorMessage`, as Lambda has it. Raises TransientError when it can't be invoked.
    """

    invoke: Callable[[dict[str, Any]], dict[str, Any]]

    def run(self, request: SandboxRequest) -> SandboxResult:
        """Execute the call and return what came of it.

        Raises:
            TransientError: the function could not be invoked, or what it answered was lost.
        """
        payload = request.to_payload()
        size = len(json.dumps(payload, ensure_ascii=False, default=str).encode("utf-8", "replace"))
        if size > MAX_REQUEST_BYTES:
            text = f"source, arguments, secrets and agent state have {size} bytes, a sandbox takes {MAX_REQUEST_BYTES}"
            return failed(request.function_name, text)
        answer = self.invoke(payload)
        if "errorType" in answer:
            return failed(request.function_name, _explain_end(answer))
        return _to_result(answer)


def unrunnable_reason(tool: Tool) -> str | None:
    """Return why the sandbox can't run this tool, None when it can."""
    if not tool.source_code:
        return f"{tool.name} has no source code"
    if tool.source_type != "python":
        return f"tools in {tool.source_type} are not offered, only in python"
    if tool.pip_requirements or tool.npm_requirements:
        return "pip_requirements and npm_requirements are not offered; a tool has the standard library of Python"
    return None


def failed(function_name: str, reason: str) -> SandboxResult:
    """Return the result of a call whose code did not get to run or to answer."""
    text = f"Error executing function {function_name}: {reason}"
    return SandboxResult("error", text, stderr=(text,))


_ENDED_BY_THE_TOOL: Final = ("Runtime.", "Extension.", "Sandbox.")
"""Beginnings of the errors by which Lambda says that the process is gone; all others are the sandbox's own faults."""


def _explain_end(answer: Mapping[str, Any]) -> str:
    """Say what ended the function; its own words name request ids, which would only mislead."""
    kind, message = str(answer["errorType"]), str(answer.get("errorMessage", ""))
    if "timed out" in message.lower() or "Timedout" in kind:
        return "SandboxError: the tool did not end in time, and the sandbox was ended with it"
    if not kind.startswith(_ENDED_BY_THE_TOOL):
        return f"SandboxError: the sandbox itself failed ({kind})"
    return "SandboxError: the tool ended the sandbox that ran it, by its use of memory or of signals"


def _to_result(answer: Mapping[str, Any]) -> SandboxResult:
    try:
        return SandboxResult(
            status="success" if answer["status"] == "success" else "error",
            text=str(answer["text"]),
            stdout=tuple(map(str, answer["stdout"])),
            stderr=tuple(map(str, answer["stderr"])),
        )
    except (KeyError, TypeError) as error:
        raise TransientError(f"tool_sandbox answered something else than a result: {error!r}") from error
