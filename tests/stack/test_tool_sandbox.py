"""The sandbox as it is deployed: its own function, its own role, and hostile tools called over the API.

The embedded AWS limits no memory and no payload, so that what holds here is what the sandbox does by itself.
"""

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest
from letta_client import BadRequestError, Letta, NotFoundError
from letta_client.types.agents import ToolExecutionResult

from support.local_stack import LocalStack

WEATHER = '''
import os
def get_weather(city: str) -> dict:
    """Say what the weather is.

    Args:
        city: where.
    """
    print("asked for", city)
    return {"city": city, "key": os.environ["WEATHER_KEY"]}
'''

HOSTILE = {
    "endless": ("def hostile():\n    while True: pass", "TimeoutError"),
    "fork_bomb": (
        "import os\ndef hostile():\n    while True:\n        try: os.fork()\n        except OSError: pass",
        "Error executing function hostile",
    ),
    "memory": ("def hostile():\n    kept = []\n    while True: kept.append(bytearray(10**7))", "MemoryError"),
    "parent": ("import os\ndef hostile():\n    os.kill(os.getppid(), 9)", "PermissionError"),
    "environ": ("import os\ndef hostile():\n    open(f'/proc/{os.getppid()}/environ').read()", "PermissionError"),
    "exit": ("import os\ndef hostile():\n    os._exit(3)", "exit code 3"),
}


class Tools:
    """An agent whose tools are made from source and run."""

    def __init__(self, letta: Letta) -> None:
        self.letta = letta
        self.agent_id = letta.agents.create(model="openai/sandbox", secrets={"WEATHER_KEY": "sunny"}).id

    def run(self, source: str, **arguments: Any) -> ToolExecutionResult:
        tool = self.letta.tools.create(source_code=source)
        self.letta.agents.tools.attach(tool.id, agent_id=self.agent_id)
        return self.letta.agents.tools.run(str(tool.name), agent_id=self.agent_id, args=arguments)


@pytest.fixture(scope="module")
def tools(local_stack: LocalStack) -> Iterator[Tools]:
    made = Tools(local_stack.letta())
    yield made
    made.letta.agents.delete(made.agent_id)


def test_tool_runs_with_its_arguments_and_the_agents_secrets(tools: Tools) -> None:
    result = tools.run(WEATHER, city="Köln")
    assert result.status == "success", result.func_return
    assert json.loads(str(result.func_return)) == {"city": "Köln", "key": "sunny"}
    assert result.stdout == ["asked for Köln\n"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_tool_ends_in_an_error_and_the_next_call_works(name: str, tools: Tools) -> None:
    source, said = HOSTILE[name]
    started = time.monotonic()
    result = tools.run(source)
    assert time.monotonic() - started < 29
    assert result.status == "error"
    assert said in str(result.func_return)
    assert tools.run(WEATHER, city="Bonn").status == "success"


def test_tool_finds_nothing_of_ours(local_stack: LocalStack, tools: Tools) -> None:
    source = """
import glob, os
def hostile():
    found = list(os.environ)
    for name in glob.glob("/proc/[0-9]*/environ"):
        try: found += open(name).read().split(chr(0))
        except OSError: pass
    return [name for name in found if name.startswith(("AWS_", "POWERTOOLS", "MESSAGES_TABLE"))]
"""
    assert tools.run(source).func_return == "[]"


def test_tool_that_is_not_there_or_not_of_source_is_refused(tools: Tools) -> None:
    with pytest.raises(NotFoundError):
        tools.letta.agents.tools.run("nothing", agent_id=tools.agent_id)
    with pytest.raises(BadRequestError):
        tools.letta.agents.tools.run("memory_insert", agent_id=tools.agent_id, args={})


def test_log_says_how_calls_went_and_nothing_of_what_they_said(local_stack: LocalStack, tools: Tools) -> None:
    tools.run(WEATHER, city="Unmistakable")
    logs = local_stack.aws("logs")
    group = local_stack.aws("lambda").get_function_configuration(
        FunctionName=local_stack.output("ToolSandboxFunctionName")
    )["LoggingConfig"]["LogGroup"]
    text = json.dumps(logs.filter_log_events(logGroupName=group)["events"])
    assert "tool call ended" in text
    assert "Unmistakable" not in text
    assert "sunny" not in text


def test_nothing_of_any_call_is_left(local_stack: LocalStack) -> None:
    left = [name for name in os.listdir("/proc") if name.isdigit() and b"user_process.py" in _command_of(name)]
    assert left == []


def _command_of(process: str) -> bytes:
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            return file.read()
    except OSError:
        return b""
