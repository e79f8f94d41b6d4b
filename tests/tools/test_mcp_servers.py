"""MCP servers over the API: registered, listed anew, their tools given to agents and run; secrets go in and stay in."""

from collections.abc import Iterator
from typing import Any

import pytest
from letta_client import Letta
from letta_client.types import StreamableHTTPMcpServer
from mcp.server.mcpserver import MCPServer

import stage
from intake.conftest import deployment, deployments
from intake.deployment import Deployment
from intake.refusals import assert_refused
from support.mcp_server import RunningMcpServer, running_mcp_server

__all__ = ["deployment", "deployments"]

UNKNOWN = "mcp_server-0d9a0c2e-30cf-4c7e-9a07-5b6c4d1f2a3b"


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningMcpServer]:
    monkeypatch.setattr(stage, "allow_private_mcp_servers", lambda: True)
    with running_mcp_server() as server:
        yield server


@pytest.fixture
def sdk(deployment: Deployment) -> Letta:
    return deployment.sdk()


def register(sdk: Letta, url: str, **config: Any) -> StreamableHTTPMcpServer:
    given: Any = {"mcp_server_type": "streamable_http", "server_url": url, **config}
    server = sdk.mcp_servers.create(server_name="weather", config=given)
    assert isinstance(server, StreamableHTTPMcpServer)
    return server


def test_registered_server_has_its_tools(sdk: Letta, running: RunningMcpServer) -> None:
    server = register(sdk, running.url)
    tools = sdk.mcp_servers.tools.list(str(server.id))
    assert [tool.name for tool in tools] == ["get_weather", "odd_name_of_a_tool", "fail", "sleep", "shout", "tell_meta"]
    weather = sdk.mcp_servers.tools.retrieve(tools[0].id, mcp_server_id=str(server.id))
    assert (weather.tool_type, weather.tags, weather.source_code) == ("external_mcp", ["mcp:weather"], None)
    schema: Any = weather.json_schema
    assert schema["parameters"]["required"] == ["city"]
    assert weather.id in [tool.id for tool in sdk.tools.list(tool_types=["external_mcp"])]


def test_tool_is_run_at_its_server_and_as_an_agents(sdk: Letta, running: RunningMcpServer) -> None:
    server = register(sdk, running.url)
    weather, odd, fail, *_ = sdk.mcp_servers.tools.list(str(server.id))
    result = sdk.mcp_servers.tools.run(weather.id, mcp_server_id=str(server.id), args={"city": "Bonn"})
    assert (result.status, result.func_return) == ("success", "sunny in Bonn")
    assert sdk.mcp_servers.tools.run(odd.id, mcp_server_id=str(server.id)).status == "success"
    assert sdk.mcp_servers.tools.run(fail.id, mcp_server_id=str(server.id)).status == "error"
    agent = sdk.agents.create(model="openai/scripted", tool_ids=[weather.id])
    assert "get_weather" in [tool.name for tool in agent.tools]
    run = sdk.agents.tools.run("get_weather", agent_id=agent.id, args={"city": "Ulm"})
    assert (run.status, run.func_return) == ("success", "sunny in Ulm")


def test_secret_is_kept_and_never_shown(sdk: Letta, running: RunningMcpServer, deployment: Deployment) -> None:
    server = register(sdk, running.url, auth_token="t0ken", custom_headers={"X-Team": "blue"})
    server_id = str(server.id)
    everything = (
        deployment.http().get("/v1/mcp-servers/").text + deployment.http().get(f"/v1/mcp-servers/{server_id}").text
    )
    assert "t0ken" not in everything
    assert "blue" not in everything
    assert (server.auth_token, server.custom_headers) == ("********", {"X-Team": "********"})
    kept: Any = {"server_url": running.url, "auth_token": "********", "custom_headers": server.custom_headers}
    sdk.mcp_servers.update(server_id, server_name="renamed", config=kept)
    running.headers.clear()
    sdk.mcp_servers.refresh(server_id)
    assert {(each["authorization"], each["x-team"]) for each in running.headers} == {("Bearer t0ken", "blue")}
    sdk.mcp_servers.update(server_id, config={"server_url": None, "auth_token": None})
    running.headers.clear()
    sdk.mcp_servers.refresh(server_id)
    assert not any("authorization" in each for each in running.headers)


def test_refresh_keeps_what_is_still_there(sdk: Letta, running: RunningMcpServer) -> None:
    server = register(sdk, running.url)
    first = {tool.name: tool.id for tool in sdk.mcp_servers.tools.list(str(server.id))}
    changed = MCPServer("weather")

    @changed.tool()
    def get_weather(city: str, day: str) -> str:
        """Say what the weather is on a day."""
        return f"{city} {day}"

    @changed.tool()
    def get_tide() -> str:
        """Say how high the water is."""
        return "high"

    with running_mcp_server(changed) as moved:
        sdk.mcp_servers.update(str(server.id), config={"server_url": moved.url})
        refreshed: Any = sdk.mcp_servers.refresh(str(server.id))
        again: Any = sdk.mcp_servers.refresh(str(server.id))
    assert refreshed["added"] == ["get_tide"]
    assert refreshed["updated"] == ["get_weather"]
    assert sorted(refreshed["deleted"]) == ["fail", "odd_name_of_a_tool", "shout", "sleep", "tell_meta"]
    assert again == {"added": [], "updated": [], "deleted": []}
    after = {str(tool.name): tool for tool in sdk.mcp_servers.tools.list(str(server.id))}
    assert after["get_weather"].id == first["get_weather"]
    assert after["get_weather"].description == "Say what the weather is on a day."
    assert sdk.tools.list(tool_ids=[first["fail"]]).items == []


def test_server_that_is_not_there_is_registered_and_told_at_refresh(deployment: Deployment, sdk: Letta) -> None:
    server = register(sdk, "http://192.0.2.1/mcp")
    assert sdk.mcp_servers.tools.list(str(server.id)) == []
    refused = deployment.http().patch(f"/v1/mcp-servers/{server.id}/refresh")
    assert_refused(refused, 400, "MCP server weather: address is private")


def test_deleted_server_takes_its_tools_along(sdk: Letta, running: RunningMcpServer, deployment: Deployment) -> None:
    server = register(sdk, running.url)
    tool = sdk.mcp_servers.tools.list(str(server.id))[0]
    agent = sdk.agents.create(model="openai/scripted", tool_ids=[tool.id])
    sdk.mcp_servers.delete(str(server.id))
    assert sdk.mcp_servers.list() == []
    assert_refused(deployment.http().get(f"/v1/mcp-servers/{server.id}"), 404)
    assert_refused(deployment.http().get(f"/v1/tools/{tool.id}"), 404)
    assert "get_weather" not in [each.name for each in sdk.agents.retrieve(agent.id).tools]


def test_tool_of_a_server_is_changed_at_the_server(
    sdk: Letta, running: RunningMcpServer, deployment: Deployment
) -> None:
    server = register(sdk, running.url)
    tool = sdk.mcp_servers.tools.list(str(server.id))[0]
    said = "get_weather is a tool of an MCP server; change it there and refresh the server"
    assert_refused(deployment.http().patch(f"/v1/tools/{tool.id}", json={"description": "x"}), 400, said)
    assert_refused(deployment.http().delete(f"/v1/tools/{tool.id}"), 400, said)


def test_other_tenants_find_nothing(sdk: Letta, running: RunningMcpServer, deployment: Deployment) -> None:
    server = register(sdk, running.url)
    tool = sdk.mcp_servers.tools.list(str(server.id))[0]
    stranger = deployment.stranger.http()
    unknown = f"MCP server with ID {server.id} not found"
    path = f"/v1/mcp-servers/{server.id}"
    assert stranger.get("/v1/mcp-servers/").json() == []
    assert_refused(stranger.get(path), 404, unknown)
    assert_refused(stranger.patch(path, json={"config": {}}), 404, unknown)
    assert_refused(stranger.delete(path), 404, unknown)
    assert_refused(stranger.patch(f"{path}/refresh"), 404, unknown)
    assert_refused(stranger.get(f"{path}/tools"), 404, unknown)
    assert_refused(stranger.post(f"{path}/tools/{tool.id}/run", json={}), 404, unknown)


REFUSED: dict[str, tuple[Any, int]] = {
    "stdio": ({"server_name": "a", "config": {"mcp_server_type": "stdio", "command": "sh", "args": []}}, 400),
    "sse": ({"server_name": "a", "config": {"mcp_server_type": "sse", "server_url": "http://a.b/"}}, 400),
    "no url": ({"server_name": "a", "config": {"mcp_server_type": "streamable_http"}}, 422),
    "other scheme": ({"server_name": "a", "config": {"server_url": "file:///etc/passwd"}}, 422),
    "credentials": ({"server_name": "a", "config": {"server_url": "http://u:p@a.b/"}}, 422),
    "no name": ({"server_name": "", "config": {"server_url": "http://a.b/"}}, 422),
    "header of two lines": (
        {"server_name": "a", "config": {"server_url": "http://a.b/", "auth_token": "a\r\nHost: b"}},
        422,
    ),
    "header of HTTP": (
        {"server_name": "a", "config": {"server_url": "http://a.b/", "custom_headers": {"Host": "b"}}},
        422,
    ),
    "no config": ({"server_name": "a"}, 422),
}


@pytest.mark.parametrize(("body", "status"), REFUSED.values(), ids=REFUSED)
def test_bad_server_is_refused(body: Any, status: int, deployment: Deployment) -> None:
    with deployment.tries_no_write():
        assert_refused(deployment.http().post("/v1/mcp-servers/", json=body), status)


def test_unknown_server_is_not_found_and_a_malformed_id_is_refused(deployment: Deployment) -> None:
    assert_refused(deployment.http().get(f"/v1/mcp-servers/{UNKNOWN}"), 404)
    assert_refused(deployment.http().get("/v1/mcp-servers/none"), 422)
