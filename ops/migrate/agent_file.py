"""The `.af` file that `GET /v1/agents/{id}/export` of a Letta server gives: what of it is read, and what is refused.

Fields that Nightshift has no place for are not declared; the importer says which kinds of things it left out.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MAX_SHOWN_ERRORS = 5

KNOWN_KEYS = frozenset(
    {"agents", "blocks", "tools", "groups", "files", "sources", "mcp_servers", "metadata", "created_at", "skills"}
)


class AgentFileError(Exception):
    """The file can't be imported; the message says what was found and what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", protected_namespaces=())


class FileBlock(_Part):
    """A memory block. Ids within a file are its own, such as `block-0`."""

    id: str
    label: str
    value: str
    limit: int | None = None
    description: str | None = None
    read_only: bool | None = None
    metadata: dict[str, Any] | None = None


class FileTool(_Part):
    """A tool; a built-in one has no source."""

    id: str
    name: str
    tool_type: str = "custom"
    source_code: str | None = None
    source_type: str | None = None
    json_schema: dict[str, Any] | None = None
    description: str | None = None
    tags: list[str] | None = None
    return_char_limit: int | None = None
    default_requires_approval: bool | None = None
    enable_parallel_execution: bool | None = None
    pip_requirements: list[dict[str, Any]] | None = None


class FileMessage(_Part):
    """A stored message: roles are those of the server's table, `tool`, `approval` and `summary` among them."""

    id: str
    role: str
    content: str | list[dict[str, Any]] | None = None
    name: str | None = None


class FileModel(_Part):
    """The model that the agent had there."""

    handle: str | None = None
    model: str | None = None
    model_endpoint_type: str | None = None
    context_window: int | None = None
    max_tokens: int | None = None
    parallel_tool_calls: bool | None = None


class FileAgent(_Part):
    """An agent with references into the file and its newest messages."""

    id: str
    name: str | None = None
    agent_type: str | None = None
    system: str | None = None
    description: str | None = None
    metadata: dict[str, Any] | None = None
    tags: list[str] | None = None
    timezone: str | None = None
    model: str | None = None
    embedding: str | None = None
    llm_config: FileModel | None = None
    context_window_limit: int | None = None
    response_format: dict[str, Any] | None = None
    message_buffer_autoclear: bool | None = None
    block_ids: list[str] | None = None
    tool_ids: list[str] | None = None
    tool_rules: list[dict[str, Any]] | None = None
    secrets: dict[str, str] | None = None
    tool_exec_environment_variables: dict[str, str] | None = None
    in_context_message_ids: list[str] | None = None
    messages: list[FileMessage] = Field(default_factory=list)

    @property
    def secret_names(self) -> list[str]:
        """Names of secrets; their values are not in the file."""
        return sorted({**(self.secrets or {}), **(self.tool_exec_environment_variables or {})})


class AgentFile(_Part):
    """One file: agents that share blocks and tools."""

    agents: list[FileAgent] = Field(min_length=1)
    blocks: list[FileBlock] = Field(default_factory=list)
    tools: list[FileTool] = Field(default_factory=list)
    groups: list[Any] = Field(default_factory=list)
    files: list[Any] = Field(default_factory=list)
    sources: list[Any] = Field(default_factory=list)
    mcp_servers: list[Any] = Field(default_factory=list)
    skills: list[Any] = Field(default_factory=list)


def read(file: Path) -> AgentFile:
    """Read and check a file.

    Raises:
        AgentFileError: there is none, it is no agent file, of another form, or not whole.
    """
    data = _load(file)
    if not isinstance(data, dict) or "agents" not in data:
        raise AgentFileError(_explain_form(file, data))
    if unknown := sorted(data.keys() - KNOWN_KEYS):
        raise AgentFileError(
            f"{file} is of a form newer than this importer knows: it has {', '.join(unknown)}, "
            f"expected {', '.join(sorted(KNOWN_KEYS))}"
        )
    try:
        found = AgentFile.model_validate(data)
    except ValidationError as error:
        shown = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()[:MAX_SHOWN_ERRORS]]
        raise AgentFileError(f"{file} is not whole, export it again: {'; '.join(shown)}") from error
    _check_references(file, found)
    return found


def _load(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except FileNotFoundError as error:
        raise AgentFileError(f"there is no {file}") from error
    except ValueError as error:
        raise AgentFileError(f"{file} is no agent file: expected JSON, found something else ({error})") from error


def _explain_form(file: Path, data: Any) -> str:
    if isinstance(data, dict) and "core_memory" in data:
        return (
            f"{file} has the older form, of one agent (written by server {data.get('version', 'unknown')}): "
            "import it into a Letta server of version 0.16 and export it from there"
        )
    found = (
        f"an object with {', '.join(sorted(data)[:8]) or 'nothing'}" if isinstance(data, dict) else type(data).__name__
    )
    return f"{file} is no agent file: expected an object with `agents`, `blocks` and `tools`, found {found}"


def _check_references(file: Path, found: AgentFile) -> None:
    known = {block.id for block in found.blocks} | {tool.id for tool in found.tools}
    for agent in found.agents:
        if missing := [each for each in (*(agent.block_ids or []), *(agent.tool_ids or [])) if each not in known]:
            raise AgentFileError(
                f"{file} is not whole, export it again: agent {agent.name!r} names {', '.join(missing)}, "
                "which the file doesn't hold"
            )
