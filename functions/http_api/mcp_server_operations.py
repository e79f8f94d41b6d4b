"""Operations on MCP servers and their tools."""

import stage
from nightshift.domain.display import Json
from nightshift.intake.mcp_servers import McpServerRegistry, show_mcp_server
from nightshift.intake.mcp_tools import McpTools
from nightshift.intake.show_agent import show_tool
from nightshift.intake.wire.mcp_servers import CreateMcpServer, RefreshQuery, UpdateMcpServer
from nightshift.intake.wire.tool_run import RunTool
from nightshift.tools.mcp_client import McpClient
from operations import Request, operation
from tool_run_answers import show_result


def _servers() -> McpServerRegistry:
    return McpServerRegistry(stage.database(), stage.clock())


def mcp_tools() -> McpTools:
    """Return the tools of MCP servers."""
    client = McpClient.connect(allow_private=stage.allow_private_mcp_servers())
    return McpTools(stage.database(), _servers(), client, stage.clock())


@operation("Register an MCP server and list its tools", returns="McpServerRetrieveResponse", body=CreateMcpServer)
def create_mcp_server(request: Request, body: CreateMcpServer) -> Json:
    server = _servers().create(request.tenant, body)
    mcp_tools().try_refresh(server)
    return show_mcp_server(server)


@operation("List MCP servers, oldest first", returns="McpServerRetrieveResponse[]")
def list_mcp_servers(request: Request) -> list[Json]:
    return [show_mcp_server(server) for server in _servers().list(request.tenant)]


@operation("Retrieve an MCP server", returns="McpServerRetrieveResponse")
def retrieve_mcp_server(request: Request, mcp_server_id: str) -> Json:
    return show_mcp_server(_servers().get(request.tenant, mcp_server_id))


@operation("Change an MCP server", returns="McpServerRetrieveResponse", body=UpdateMcpServer)
def update_mcp_server(request: Request, mcp_server_id: str, body: UpdateMcpServer) -> Json:
    return show_mcp_server(_servers().update(request.tenant, mcp_server_id, body))


@operation("Delete an MCP server and its tools")
def delete_mcp_server(request: Request, mcp_server_id: str) -> Json:
    server = _servers().delete(request.tenant, mcp_server_id)
    mcp_tools().delete_of(server)
    return {"message": f"MCP server {mcp_server_id} deleted"}


@operation("List an MCP server's tools anew", query=RefreshQuery)
def refresh_mcp_server(request: Request, mcp_server_id: str, query: RefreshQuery) -> Json:  # noqa: ARG001 -- the SDK sends it
    refreshed = mcp_tools().refresh(request.tenant, mcp_server_id)
    return {"added": refreshed.added, "updated": refreshed.updated, "deleted": refreshed.deleted}


@operation("List an MCP server's tools as they were listed last", returns="Tool[]")
def list_mcp_tools(request: Request, mcp_server_id: str) -> list[Json]:
    return [show_tool(tool) for tool in mcp_tools().list(request.tenant, mcp_server_id)]


@operation("Retrieve a tool of an MCP server", returns="Tool")
def retrieve_mcp_tool(request: Request, mcp_server_id: str, tool_id: str) -> Json:
    return show_tool(mcp_tools().get(request.tenant, mcp_server_id, tool_id))


@operation("Run a tool of an MCP server and wait for it", returns="agents.ToolExecutionResult", body=RunTool)
def run_mcp_tool(request: Request, mcp_server_id: str, tool_id: str, body: RunTool) -> Json:
    return show_result(mcp_tools().run(request.tenant, mcp_server_id, tool_id, body.args))
