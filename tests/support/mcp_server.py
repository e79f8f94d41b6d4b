"""A real MCP server over streamable HTTP, made with the official package, on 127.0.0.1 in a thread."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ToolAnnotations


@dataclass
class RunningMcpServer:
    """The server.

    Attributes:
        headers: of every request it got, names in lower case.
    """

    server: MCPServer
    port: int
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"


def build_server() -> MCPServer:
    """Make a server with some tools of each kind."""
    server = MCPServer("weather")

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    def get_weather(city: str) -> str:
        """Say what the weather is in a city."""
        return f"sunny in {city}"

    @server.tool(name="odd.name/of a tool")
    def odd(amount: int = 1) -> dict[str, Any]:
        """Return something structured."""
        return {"amount": amount}

    @server.tool()
    def fail() -> str:
        """Fail."""
        raise ValueError("no weather today")

    @server.tool()
    def sleep(seconds: float) -> str:
        """Take long."""
        time.sleep(seconds)
        return "slept"

    @server.tool()
    def shout(chars: int) -> str:
        """Say much."""
        return "x" * chars

    @server.tool()
    def tell_meta(context: Context[Any]) -> dict[str, Any]:
        """Return what came beside the arguments."""
        return dict(context.request_context.meta or {})

    return server


@contextmanager
def running_mcp_server(server: MCPServer | None = None) -> Iterator[RunningMcpServer]:
    """Serve until the block ends."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        running = RunningMcpServer(server or build_server(), listening.getsockname()[1])
        app = running.server.streamable_http_app()

        async def noting(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                running.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
            await app(scope, receive, send)

        config = uvicorn.Config(noting, log_level="critical", lifespan="on")
        served = uvicorn.Server(config)
        thread = threading.Thread(target=served.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not served.started:
            time.sleep(0.01)
        yield running
        served.should_exit = True
        served.force_exit = True
        thread.join(5)
