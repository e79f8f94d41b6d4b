"""What tools can count on, through the client that the execution uses and the real handler."""

import io
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from nightshift.domain.errors import TransientError
from nightshift.storage import sandbox_function
from nightshift.storage.sandbox_function import SandboxFunction
from nightshift.tools.sandbox import MAX_REQUEST_BYTES, Sandbox, SandboxRequest, SandboxResult
from support.sandbox_lambda import InProcessLambda, run_in_process

ARN = "arn:aws:lambda:eu-central-1:123456789012:function:sandbox"


def request_of(source: str, name: str = "tool", **fields: Any) -> SandboxRequest:
    given: dict[str, Any] = {
        "tenant": "default",
        "source_code": source,
        "function_name": name,
        "arguments": {},
        "environment": {},
        "tool_call_id": "call-1",
        "timeout_seconds": 10,
        "return_char_limit": 50_000,
    }
    return SandboxRequest(**given | fields)


def run(source: str, name: str = "tool", **fields: Any) -> SandboxResult:
    return Sandbox(run_in_process).run(request_of(source, name, **fields))


VALUES = {
    "text as it is": ("'héllo \"you\"'", 'héllo "you"'),
    "nothing": ("None", "None"),
    "numbers": ("1.5", "1.5"),
    "truth": ("True", "true"),
    "object": ("{'städte': ['Köln', 1, None]}", '{"städte": ["Köln", 1, null]}'),
    "what JSON can't say": ("{1, }", "{1}"),
    "half a character": ("'a\\ud800b'", "a?b"),
    "zero character": ("'a\\0b'", "a\0b"),
}


@pytest.mark.parametrize(("value", "text"), VALUES.values(), ids=VALUES)
def test_value_becomes_text(value: str, text: str) -> None:
    assert run(f"def tool():\n    return {value}") == SandboxResult("success", text)


def test_function_is_found_by_name_among_others() -> None:
    source = "def helper():\n    return 'helped'\ndef tool():\n    return helper()\ndef other():\n    return 'other'"
    assert run(source).text == "helped"


def test_async_function_is_awaited() -> None:
    source = "import asyncio\nasync def tool(seconds: float):\n    await asyncio.sleep(seconds)\n    return 'slept'"
    assert run(source, arguments={"seconds": 0.01}).text == "slept"


def test_arguments_are_given_by_name_and_read_as_annotated() -> None:
    source = """
def tool(whole: int, part: float, yes: bool, many: list[str], plain, *, rest: dict = {}, text: "str" = "x"):
    return [whole, part, yes, many, plain, rest, text]
"""
    given = {"whole": "3", "part": 2, "yes": "true", "many": '["a"]', "plain": "4", "rest": '{"a": 1}', "text": "5"}
    assert json.loads(run(source, arguments=given).text) == [3, 2.0, True, ["a"], "4", {"a": 1}, "5"]


def test_positional_parameters_are_given_too() -> None:
    assert run("def tool(a, b=2, /, *, c):\n    return [a, b, c]", arguments={"a": 1, "c": 3}).text == "[1, 2, 3]"


WRONG_ARGUMENTS = {
    "unknown": ({"b": 1}, "TypeError: tool() got an unexpected keyword argument 'b'"),
    "missing": ({}, "TypeError: tool() missing 1 required positional argument: 'a'"),
}


@pytest.mark.parametrize(("arguments", "reason"), WRONG_ARGUMENTS.values(), ids=WRONG_ARGUMENTS)
def test_wrong_arguments_are_told_in_pythons_words(arguments: dict[str, Any], reason: str) -> None:
    result = run("def tool(a):\n    return a", arguments=arguments)
    assert (result.status, result.text) == ("error", f"Error executing function tool: {reason}")


@pytest.mark.parametrize("arguments", ["[1]", "{", "3", [1], 3])
def test_arguments_that_are_no_object_are_told(arguments: object) -> None:
    payload = request_of("def tool(): pass").to_payload() | {"arguments": arguments}
    answer = run_in_process(payload)
    assert answer["status"] == "error"
    assert answer["text"].startswith("Error executing function tool: ArgumentsError: ")


def test_agent_state_is_given_to_the_parameter_of_this_name() -> None:
    source = """
def tool(agent_state, label: str):
    return [agent_state.name, agent_state['memory'].blocks[0].label == label]
"""
    state = {"name": "Ada", "memory": {"blocks": [{"label": "human"}]}}
    assert run(source, arguments={"label": "human"}, agent_state=state).text == '["Ada", true]'


def test_secrets_and_the_idempotency_key_are_the_environment() -> None:
    source = "import os\ndef tool():\n    return [os.environ['TOKEN'], os.environ['TOOL_CALL_ID']]"
    result = run(source, environment={"TOKEN": "s3cret", "TOOL_CALL_ID": "mine"}, tool_call_id="call-7")
    assert result.text == '["s3cret", "call-7"]'
    assert "s3cret" not in repr(request_of(source, environment={"TOKEN": "s3cret"}))


def test_secrets_that_make_no_environment_are_told() -> None:
    result = run("def tool(): pass", environment={"A=B": "x"})
    assert result.status == "error"
    assert "the agent's secrets make no environment" in result.text


def test_exception_is_told_with_the_traceback_of_its_own_frames() -> None:
    source = "import json\ndef inner():\n    json.loads('{')\ndef tool():\n    inner()"
    result = run(source)
    assert result.status == "error"
    assert result.text.startswith("Error executing function tool: JSONDecodeError: Expecting property name")
    (traceback,) = result.stderr
    assert 'File "tool.py", line 3, in inner\n    json.loads' in traceback
    assert traceback.count("File ") == 2


def test_output_is_kept_apart() -> None:
    source = "import sys\ndef tool():\n    print('out')\n    print('err', file=sys.stderr)\n    return 1"
    assert run(source) == SandboxResult("success", "1", ("out\n",), ("err\n",))


def test_output_of_programs_is_kept_too() -> None:
    source = "import subprocess\ndef tool():\n    subprocess.run(['echo', 'hello'])\n    return input() if False else 1"
    assert run(source).stdout == ("hello\n",)


def test_standard_input_is_empty() -> None:
    assert "EOFError" in run("def tool():\n    return input()").text


NO_TOOL = {
    "does not parse": ("def tool(:", "SyntaxError: source_code is not valid Python"),
    "zero characters": ("def tool(): pass\0", "SyntaxError: source_code"),
    "nested too deeply": ("x = " + "(" * 10_000 + ")" * 10_000, "SyntaxError: source_code"),
    "other functions": ("def other(): pass", "NameError: source_code defines no function tool"),
    "no function": ("tool = 3", "NameError: source_code defines no function tool"),
    "nothing": ("", "NameError: source_code defines no function tool"),
    "fails when loaded": ("import numpy\ndef tool(): pass", "ModuleNotFoundError: No module named 'numpy'"),
}


@pytest.mark.parametrize(("source", "reason"), NO_TOOL.values(), ids=NO_TOOL)
def test_source_that_makes_no_tool_is_told(source: str, reason: str) -> None:
    result = run(source)
    assert result.status == "error"
    assert result.text.startswith(f"Error executing function tool: {reason}")


def test_code_for_scripts_is_not_run() -> None:
    assert run("def tool():\n    return 1\nif __name__ == '__main__':\n    raise SystemExit").text == "1"


def test_dataclasses_and_postponed_annotations_work() -> None:
    source = """
from __future__ import annotations
from dataclasses import dataclass, asdict
@dataclass
class Point:
    x: int
def tool(x: int) -> Point:
    return asdict(Point(x))
"""
    assert run(source, arguments={"x": "4"}).text == '{"x": 4}'


def test_long_value_is_cut_with_a_remark() -> None:
    text = run("def tool():\n    return 'x' * 1_000", return_char_limit=100).text
    assert text.startswith("x" * 100 + "...")
    assert "(1000 > 100)" in text


def test_largest_value_that_a_tool_may_return_fits_into_an_answer() -> None:
    result = Sandbox(SandboxFunction(InProcessLambda(), ARN).invoke).run(
        request_of("def tool():\n    return '\\1' * 1_000_000", return_char_limit=1_000_000)
    )
    assert result.status == "success"
    assert "cut, since the result is too large" in result.text


def test_tenants_are_told_apart_to_lambda_whatever_their_names() -> None:
    client = InProcessLambda()
    for tenant in ("default", "default", "ünïcode / ✓"):
        Sandbox(SandboxFunction(client, ARN).invoke).run(request_of("def tool(): pass", tenant=tenant))
    first, again, other = client.tenant_ids
    assert first == again != other


def test_request_that_lambda_would_refuse_is_an_error_of_the_call() -> None:
    result = run("def tool(text): pass", arguments={"text": "x" * MAX_REQUEST_BYTES})
    assert result.status == "error"
    assert f"a sandbox takes {MAX_REQUEST_BYTES}" in result.text


class FailingLambda:
    """Answers as Lambda does for a function that failed, or raises what boto3 does."""

    def __init__(self, *outcomes: Any) -> None:
        self.outcomes = list(outcomes)

    def invoke(self, **_: Any) -> dict[str, Any]:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(outcome).encode())}


def run_on(client: FailingLambda) -> SandboxResult:
    return Sandbox(SandboxFunction(client, ARN).invoke).run(request_of("def tool(): pass"))


ENDED = {
    "killed": (
        {
            "errorType": "Runtime.ExitError",
            "errorMessage": "RequestId: 1 Error: Runtime exited with error: signal: killed",
        },
        "the tool ended the sandbox that ran it",
    ),
    "out of time": (
        {"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: 1 Error: Task timed out after 120.00 seconds"},
        "the tool did not end in time",
    ),
    "out of time, said otherwise": ({"errorMessage": "Task timed out after 120.00 seconds"}, "did not end in time"),
    "fault of ours": ({"errorType": "KeyError", "errorMessage": "x"}, "the sandbox itself failed (KeyError)"),
}


@pytest.mark.parametrize(("answer", "said"), ENDED.values(), ids=ENDED)
def test_end_of_the_function_is_an_error_of_the_call(answer: dict[str, str], said: str) -> None:
    result = run_on(FailingLambda(answer))
    assert result.status == "error"
    assert said in result.text


def throttled() -> ClientError:
    return ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "Rate Exceeded"}}, "Invoke")


def test_refused_invocation_is_repeated() -> None:
    client = FailingLambda(throttled(), {"errorMessage": "Task timed out"})
    assert run_on(client).status == "error"
    assert client.outcomes == []


def test_throttling_that_lasts_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_function, "THROTTLE_PATIENCE_SECONDS", 0)
    with pytest.raises(TransientError, match="was not invoked"):
        run_on(FailingLambda(throttled()))


LOST = {
    "no answer": ReadTimeoutError(endpoint_url="https://lambda"),
    "refused": ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Invoke"),
}


@pytest.mark.parametrize("error", LOST.values(), ids=LOST)
def test_lost_answer_is_transient_and_not_asked_for_again(error: Exception) -> None:
    client = FailingLambda(error, {"errorType": "never reached"})
    with pytest.raises(TransientError):
        run_on(client)
    assert len(client.outcomes) == 1


@pytest.mark.parametrize("answer", [{}, {"status": "success"}, {"status": "success", "text": "", "stdout": None}])
def test_answer_that_is_no_result_is_transient(answer: dict[str, Any]) -> None:
    with pytest.raises(TransientError, match="something else than a result"):
        Sandbox(lambda _: answer).run(request_of(""))
