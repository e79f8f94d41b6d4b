"""Imports a `.af` file of a Letta server through the API, with the official SDK: agents, blocks, tools, messages.

Run by ``make import AGENT_FILE=…``. The server is the local stack, or what LETTA_BASE_URL and LETTA_API_KEY name. All
of the file is imported or nothing: what was made before a failure is deleted. What has no place here is listed last.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from letta_client import APIError, Letta

from agent_file import AgentFile, AgentFileError, FileAgent, FileBlock, FileMessage, FileTool, read

MAX_MESSAGES = 40
"""What the API takes as an agent's first messages; the newest ones are taken."""

NAME_EXCLUDES = re.compile(r"[^\w \-']")
CARRIED_ROLES = ("user", "assistant")
CARRIED_PARTS = ("text", "image")


@dataclass(slots=True)
class Importer:
    """One import.

    Attributes:
        model: the handle that every agent gets, or None for the one that it had.
        left_out: what has no place here, in words.
    """

    client: Letta
    model: str | None
    left_out: list[str] = field(default_factory=list)
    _undo: ExitStack = field(default_factory=ExitStack)

    def run(self, found: AgentFile) -> list[str]:
        """Create everything and return the ids of the new agents.

        Raises:
            AgentFileError: a tool of this name exists with another source, or a model is not known here.
            APIError: the API refused something; nothing is left of what was made.
        """
        with self._undo:
            tools = {tool.id: made for tool in found.tools if (made := self._tool(tool))}
            blocks = {block.id: self._block(block) for block in found.blocks}
            names = {tool.id: tool.name for tool in found.tools}
            agents = [self._agent(agent, blocks, tools, names) for agent in found.agents]
            self._undo.pop_all()
        for kind in ("groups", "sources", "files", "mcp_servers", "skills"):
            if things := getattr(found, kind):
                self.left_out.append(f"{len(things)} {kind.replace('_', ' ')}")
        return agents

    def _tool(self, tool: FileTool) -> str | None:
        """Return the id of the tool here; None and a remark where there can be none."""
        existing = next(iter(self.client.tools.list(name=tool.name)), None)
        if tool.tool_type != "custom" or tool.source_code is None:
            if existing is None:
                self.left_out.append(f"tool {tool.name} ({tool.tool_type}): not offered here")
            return existing.id if existing else None
        if tool.source_type not in (None, "python"):
            self.left_out.append(f"tool {tool.name}: its source is {tool.source_type}, Python alone is executed")
            return None
        if existing is not None:
            return self._same(tool, existing)
        if tool.pip_requirements:
            self.left_out.append(f"packages of tool {tool.name}: tools have the standard library alone")
        fields = ("source_code", "json_schema", "description", "tags", "return_char_limit")
        flags = ("default_requires_approval", "enable_parallel_execution")
        made = self.client.tools.create(**_present(tool, *fields, *flags))
        self._on_failure(lambda: self.client.tools.delete(made.id))
        return made.id

    def _same(self, tool: FileTool, existing: Any) -> str:
        if existing.source_code != tool.source_code:
            raise AgentFileError(
                f"a tool named {tool.name} exists here with another source ({existing.id}): rename or delete one"
            )
        return str(existing.id)

    def _block(self, block: FileBlock) -> str:
        fields = ("label", "value", "limit", "description", "read_only", "metadata")
        made = self.client.blocks.create(**_present(block, *fields))
        self._on_failure(lambda: self.client.blocks.delete(made.id))
        return str(made.id)

    def _agent(self, agent: FileAgent, blocks: dict[str, str], tools: dict[str, str], names: dict[str, str]) -> str:
        own_tools = [tool for tool in agent.tool_ids or [] if tool in tools]
        model = agent.llm_config
        fields = {
            **_present(agent, "agent_type", "system", "description", "metadata", "tags", "timezone", "embedding"),
            **_present(agent, "response_format", "message_buffer_autoclear", "context_window_limit"),
            **(_present(model, "max_tokens", "parallel_tool_calls") if model else {}),
            "name": NAME_EXCLUDES.sub("-", agent.name) if agent.name else None,
            "model": self._model(agent),
            "block_ids": [blocks[block] for block in agent.block_ids or []],
            "tool_ids": [tools[tool] for tool in own_tools],
            "tool_rules": self._rules(agent, {names[tool] for tool in own_tools}),
            "secrets": dict.fromkeys(agent.secret_names, "") or None,
            "include_base_tools": False,
            "initial_message_sequence": self._messages(agent),
        }
        if model and model.context_window and "context_window_limit" not in fields:
            fields["context_window_limit"] = model.context_window
        made = self.client.agents.create(**{name: value for name, value in fields.items() if value is not None})
        self._on_failure(lambda: self.client.agents.delete(made.id))
        if agent.secret_names:
            self.left_out.append(
                f"values of the secrets {', '.join(agent.secret_names)} of {agent.name}: set them anew"
            )
        return str(made.id)

    def _model(self, agent: FileAgent) -> str:
        had = agent.llm_config
        own = agent.model or (had and (had.handle or (had.model and f"{had.model_endpoint_type}/{had.model}")))
        if not self.model and not own:
            raise AgentFileError(f"the file doesn't say which model {agent.name!r} had: name one, MODEL=provider/model")
        return str(self.model or own)

    def _rules(self, agent: FileAgent, names: set[str]) -> list[dict[str, Any]]:
        kept = [rule for rule in agent.tool_rules or [] if rule.get("tool_name") in names]
        if dropped := len(agent.tool_rules or []) - len(kept):
            self.left_out.append(f"{dropped} tool rules of {agent.name}: their tools are not here")
        return kept

    def _messages(self, agent: FileAgent) -> list[dict[str, Any]]:
        """Return the newest messages of users and of the agent that are in its context, oldest first."""
        in_context = set(agent.in_context_message_ids or [message.id for message in agent.messages])
        of_context = [message for message in agent.messages if message.id in in_context and message.role != "system"]
        carried = [shown for message in of_context if (shown := _to_message(message))][-MAX_MESSAGES:]
        if dropped := sum(message.role != "system" for message in agent.messages) - len(carried):
            self.left_out.append(
                f"{dropped} messages of {agent.name}: tool calls, their results, reasoning, and what is older than "
                f"{MAX_MESSAGES} messages or out of its context"
            )
        return carried

    def _on_failure(self, delete: Callable[[], object]) -> None:
        def undo() -> None:
            with suppress(APIError):
                delete()

        self._undo.callback(undo)


def main() -> int:
    """Import; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the .af file")
    parser.add_argument("--model", help="model handle for every agent (default: the one that it had)")
    parser.add_argument("--home", type=Path, default=Path(".local"), help="home of the local stack (default: .local)")
    arguments = parser.parse_args()
    try:
        found = read(arguments.file)
        importer = Importer(_connect(arguments.home), arguments.model)
        for agent, agent_id in zip(found.agents, importer.run(found), strict=True):
            print(f"agent       {agent_id}  {agent.name}")
    except AgentFileError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    except APIError as error:
        print(f"ERROR: nothing was imported. The API refused: {error}\n{_hint(error)}", file=sys.stderr)
        return 1
    print(f"imported    {len(found.agents)} agents, {len(found.blocks)} blocks, {len(found.tools)} tools looked at")
    for each in importer.left_out:
        print(f"left out    {each}")
    return 0


def _hint(error: APIError) -> str:
    return (
        "A model that is not known here is replaced with MODEL=provider/model" if "model" in str(error).lower() else ""
    )


def _connect(home: Path) -> Letta:
    if "LETTA_BASE_URL" in os.environ:
        return Letta()
    try:
        stack = json.loads((home / "stack.json").read_text())
    except FileNotFoundError as error:
        raise AgentFileError(f"no stack in {home}: `make up`, or set LETTA_BASE_URL and LETTA_API_KEY") from error
    return Letta(base_url=stack["base_url"], api_key=stack["api_key"])


def _to_message(message: FileMessage) -> dict[str, Any] | None:
    """Return a message for a new agent; None if it has nothing that a new agent may be given."""
    if message.role not in CARRIED_ROLES or not message.content:
        return None
    content: Any = message.content
    if isinstance(content, list):
        content = [part for part in content if part.get("type") in CARRIED_PARTS]
    return {"role": message.role, "content": content} if content else None


def _present(part: Any, *names: str) -> dict[str, Any]:
    """Return these fields, without those that are None."""
    return {name: value for name in names if (value := getattr(part, name)) is not None}


if __name__ == "__main__":
    sys.exit(main())
