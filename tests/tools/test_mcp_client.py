"""The MCP client against a server made with the official package, and against things that are no server."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from nightshift.domain.mcp_server import McpServer
from nightshift.tools.mcp_client import McpClient, McpServerError
from support.mcp_server import RunningMcpServer, running_mcp_server

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLIENT = McpClient.connect(allow_private=True)


@pytest.fixture(scope="module")
def running() -> Iterator[RunningMcpServer]:
    with running_mcp_server() as server:
        yield server


@pytest.fixture
def server(running: RunningMcpServer) -> McpServer:
    running.headers.clear()
    return server_at(running.url)


def server_at(url: str) -> McpServer:
    return McpServer(id="mcp_server-1", tenant="default", name="weather", url=url, created_at=NOW, updated_at=NOW)


def test_tools_are_listed_with_their_schemas(server: McpServer) -> None:
    tools = {tool.name: tool for tool in CLIENT.list_tools(server, 10)}
    assert list(tools) == ["get_weather", "odd.name/of a tool", "fail", "sleep", "shout", "tell_meta"]
    assert [name for name, tool in tools.items() if tool.is_repeatable] == ["get_weather"]
    weather = tools["get_weather"]
    assert weather.description == "Say what the weather is in a city."
    assert weather.parameters["properties"]["city"]["type"] == "string"
    assert tools["odd.name/of a tool"].callable_name == "odd_name_of_a_tool"


def test_tool_is_called_by_the_servers_name_for_it(server: McpServer) -> None:
    result = CLIENT.call_tool(server, "get_weather", {"city": "Köln"}, 10, 1_000)
    assert (result.status, result.text) == ("success", "sunny in Köln")
    structured = CLIENT.call_tool(server, "odd.name/of a tool", {"amount": 3}, 10, 1_000)
    assert structured.status == "success"
    assert '"amount": 3' in structured.text


def test_call_carries_its_idempotency_key(server: McpServer) -> None:
    assert "nightshift/idempotency-key" not in CLIENT.call_tool(server, "tell_meta", {}, 10, 1_000).text
    told = CLIENT.call_tool(server, "tell_meta", {}, 10, 1_000, idempotency_key="call_7")
    assert '"nightshift/idempotency-key": "call_7"' in told.text


def test_error_of_a_tool_is_its_result(server: McpServer) -> None:
    result = CLIENT.call_tool(server, "fail", {}, 10, 1_000)
    assert result.status == "error"
    assert "fail" in result.text


@pytest.mark.parametrize("name", ["get_weather", "nothing"])
def test_refused_call_is_an_error_result(name: str, server: McpServer) -> None:
    result = CLIENT.call_tool(server, name, {"wrong": 1}, 10, 1_000)
    assert result.status == "error"


def test_slow_tool_ends_at_its_limit(server: McpServer) -> None:
    started = time.monotonic()
    result = CLIENT.call_tool(server, "sleep", {"seconds": 5}, 1, 1_000)
    assert time.monotonic() - started < 4
    assert (result.status, result.text) == (
        "error",
        "Error executing function sleep: MCP server weather: timed out after 1 s",
    )


def test_long_result_is_cut(server: McpServer) -> None:
    result = CLIENT.call_tool(server, "shout", {"chars": 100_000}, 10, 1_000)
    assert result.status == "success"
    assert len(result.text) == 1_000


def test_result_beyond_what_is_read_is_an_error(server: McpServer) -> None:
    result = CLIENT.call_tool(server, "shout", {"chars": 9_000_000}, 10, 1_000)
    assert result.status == "error"


SECRETS = {
    "bare token": ({"auth_token": "t0ken"}, "authorization", "Bearer t0ken"),
    "token with a scheme": ({"auth_token": "Basic eDp5"}, "authorization", "Basic eDp5"),
    "header of its own": ({"auth_header": "X-Key", "auth_token": "t0ken"}, "x-key", "t0ken"),
    "other headers": ({"custom_headers": {"X-Team": "blue"}}, "x-team", "blue"),
}


@pytest.mark.parametrize(("fields", "header", "value"), SECRETS.values(), ids=SECRETS)
def test_secrets_are_sent_and_not_shown(
    fields: dict[str, object], header: str, value: str, server: McpServer, running: RunningMcpServer
) -> None:
    known = replace(server, **fields)  # type: ignore[arg-type]  # the caller names fields
    CLIENT.list_tools(known, 10)
    assert running.headers
    assert {headers[header] for headers in running.headers} == {value}
    assert value not in repr(known)


def test_private_address_is_refused_unless_allowed(server: McpServer, running: RunningMcpServer) -> None:
    guarded = McpClient.connect(allow_private=False)
    for url in (server.url, "http://169.254.169.254/mcp", "http://[::1]:80/mcp"):
        with pytest.raises(McpServerError, match="address is private"):
            guarded.list_tools(server_at(url), 5)
    assert running.headers == []


@contextmanager
def answering(status: int, body: bytes, **headers: str) -> Iterator[str]:
    """Serve one answer to every request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class calls it so
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/mcp"
        server.shutdown()


NO_SERVERS = {
    "not found": (404, b"{}", {"content_type": "application/json"}),
    "unauthorized": (401, b"", {}),
    "fault": (500, b"oops", {"content_type": "text/plain"}),
    "page": (200, b"<html>", {"content_type": "text/html"}),
    "garbage": (200, b"{", {"content_type": "application/json"}),
    "other JSON": (200, b'{"jsonrpc": "2.0", "id": 0, "result": {"a": []}}', {"content_type": "application/json"}),
    "events without end of them": (200, b"data: {", {"content_type": "text/event-stream"}),
    "redirect": (307, b"", {"location": "http://127.0.0.1:1/elsewhere"}),
    "nothing": (200, b"", {"content_type": "application/json"}),
}


@pytest.mark.parametrize(("status", "body", "headers"), NO_SERVERS.values(), ids=NO_SERVERS)
def test_what_is_no_mcp_server_is_told(status: int, body: bytes, headers: dict[str, str]) -> None:
    with answering(status, body, **headers) as url:
        started = time.monotonic()
        with pytest.raises(McpServerError, match=r"MCP server weather: .+"):
            CLIENT.list_tools(server_at(url), 3)
        assert time.monotonic() - started < 6


def test_nobody_there_is_told() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/mcp"
        with pytest.raises(McpServerError, match="MCP server weather: connection refused"):
            CLIENT.list_tools(server_at(url), 3)
