"""MCP servers as clients register and change them."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from nightshift.domain.web_url import WebUrl
from nightshift.intake.wire.base import Wire

HIDDEN = "********"
"""What is shown in the place of a secret; sent back, it leaves the secret as it is."""

MAX_HEADERS = 50
"""Of a server, beside the one that carries the token."""

_RESERVED = frozenset({"host", "connection", "content-length", "content-type", "transfer-encoding", "accept"})

type McpServerType = Literal["streamable_http", "sse", "stdio"]


def _check_url(text: str) -> str:
    WebUrl.parse(text)
    return text


def _check_name(name: str) -> str:
    if name.lower() in _RESERVED or name.lower().startswith("mcp-"):
        raise ValueError(f"the header {name} is the protocol's own")
    return name


def _check_value(value: str) -> str:
    if not re.fullmatch(r"[\t\x20-\x7e]*", value):
        raise ValueError("a header's value has only printable ASCII characters")
    return value


type HeaderName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$"), AfterValidator(_check_name)
]
type HeaderValue = Annotated[str, Field(max_length=8_192), AfterValidator(_check_value)]
type ServerUrl = Annotated[str, AfterValidator(_check_url)]
type ServerName = Annotated[str, Field(min_length=1, max_length=128)]


class McpServerConfig(Wire):
    """How a server is reached. What is for servers of other types is ignored; they are refused by their type."""

    mcp_server_type: McpServerType = "streamable_http"
    server_url: ServerUrl | None = None
    auth_header: HeaderName | None = None
    auth_token: HeaderValue | None = None
    custom_headers: Annotated[dict[HeaderName, HeaderValue], Field(max_length=MAX_HEADERS)] | None = None


class NewMcpServerConfig(McpServerConfig):
    """How a new server is reached."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.mcp_server_type == "streamable_http" and self.server_url is None:
            raise ValueError("a server of type streamable_http has a server_url")
        return self


class CreateMcpServer(Wire):
    """Body of `POST /v1/mcp-servers/`."""

    server_name: ServerName
    config: NewMcpServerConfig


class UpdateMcpServer(Wire):
    """Body of `PATCH /v1/mcp-servers/{mcp_server_id}`."""

    server_name: ServerName | None = None
    config: McpServerConfig


class RefreshQuery(Wire):
    """Query of `PATCH /v1/mcp-servers/{mcp_server_id}/refresh`; the agent makes no difference here."""

    agent_id: str | None = None
