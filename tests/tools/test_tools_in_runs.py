"""Tools as runs call them: Python in the real sandbox, and at a real MCP server."""

from collections.abc import Iterator

import pytest
from letta_client.types import StreamableHTTPMcpServer, ToolReturnMessage

import stage
from intake.conftest import deployment, deployments
from intake.deployment import Deployment, forget_functions
from nightshift.storage import clients
from support.mcp_server import running_mcp_server
from support.sandbox_lambda import InProcessLambda
from support.scripted_model.answers import Call, Reply
from support.scripted_model.server import ScriptedModel

__all__ = ["deployment", "deployments"]

SOURCE = '''
import os
def get_weather(city: str) -> str:
    """Say what the weather is.

    Args:
        city: where.
    """
    if city == "Atlantis":
        raise LookupError("under water")
    return f"{city}: {os.environ['SKY']}, {os.environ['TOOL_CALL_ID']}"
'''


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, deployment: Deployment) -> Iterator[None]:
    monkeypatch.setattr(clients, "functions", InProcessLambda)
    monkeypatch.setenv("ALLOW_PRIVATE_MCP_SERVERS", "true")
    forget_functions()
    yield
    forget_functions()


def weather_in(city: str) -> Call:
    return Call("get_weather", f'{{"city": "{city}"}}', f"call-{city}")


def returns_of_a_run(deployment: Deployment, tool_id: str, *calls: Call) -> list[ToolReturnMessage]:
    """Let an agent with the tool make these calls, one a step, and return the tool's returns."""
    with ScriptedModel(*(Reply(tool_calls=(call,)) for call in calls), Reply("done")) as model:
        deployment.point_at(model)
        agent = deployment.create_agent(tool_ids=[tool_id], secrets={"SKY": "blue"})
        run = deployment.post(agent.id, "How is the weather?")
        deployment.answer_doorbells()
    assert deployment.sdk().runs.retrieve(run.id).status == "completed"
    messages = deployment.sdk().runs.messages.list(run.id, order="asc").items
    return [message for message in messages if isinstance(message, ToolReturnMessage)]


def test_python_tool_runs_in_the_sandbox(deployment: Deployment) -> None:
    tool = deployment.sdk().tools.create(source_code=SOURCE)
    good, bad = returns_of_a_run(deployment, tool.id, weather_in("Bonn"), weather_in("Atlantis"))
    assert (good.status, good.tool_return) == ("success", "Bonn: blue, call-Bonn")
    assert (bad.status, bad.tool_return) == (
        "error",
        "Error executing function get_weather: LookupError: under water",
    )
    assert bad.stderr is not None
    assert 'File "tool.py"' in bad.stderr[0]


def test_tool_of_an_mcp_server_is_called_there(deployment: Deployment) -> None:
    sdk = deployment.sdk()
    with running_mcp_server() as running:
        server = sdk.mcp_servers.create(
            server_name="weather", config={"mcp_server_type": "streamable_http", "server_url": running.url}
        )
        assert isinstance(server, StreamableHTTPMcpServer)
        (tool, *_, meta) = sdk.mcp_servers.tools.list(str(server.id))
        assert (tool.metadata or {})["repeat_policy"] == "safe"
        (returned,) = returns_of_a_run(deployment, tool.id, weather_in("Köln"))
        assert (returned.status, returned.tool_return) == ("success", "sunny in Köln")
        (returned,) = returns_of_a_run(deployment, meta.id, Call("tell_meta", id="call-1"))
        assert '"nightshift/idempotency-key": "call-1"' in str(returned.tool_return)
    # Nobody listens any more.
    (returned,) = returns_of_a_run(deployment, tool.id, weather_in("Ulm"))
    assert returned.status == "error"
    assert "MCP server weather: connection refused" in str(returned.tool_return)
    assert stage.allow_private_mcp_servers()
