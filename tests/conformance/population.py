"""One of everything that a path may name, made through the API when it is first asked for."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from letta_client import Letta
from letta_client.types import StreamableHTTPMcpServer

from intake.deployment import Deployment

TOOL_NAME: Final = "roll_dice"

TOOL_SOURCE: Final = f'''
def {TOOL_NAME}(sides: int) -> int:
    """Roll a die.

    Args:
        sides: how many the die has.
    """
    return sides
'''

BLOCK_LABEL: Final = "human"


@dataclass(frozen=True, slots=True)
class Population:
    """Things of one tenant."""

    deployment: Deployment
    mcp_server_url: str
    made: dict[str, str] = field(default_factory=dict)

    @property
    def sdk(self) -> Letta:
        return self.deployment.sdk()

    @property
    def agent_id(self) -> str:
        """An agent with a block of its own."""
        return self._once("agent", lambda: self.deployment.create_agent(memory_blocks=[_BLOCK]).id)

    @property
    def run_id(self) -> str:
        """A run of the agent that has ended."""
        return self._once("run", self._finish_run)

    @property
    def waiting_run_id(self) -> str:
        """A run of the agent that nobody has begun."""
        return self._once("waiting run", lambda: self.deployment.post(self.agent_id).id)

    @property
    def step_id(self) -> str:
        return self._once("step", lambda: self.sdk.runs.steps.list(self.run_id).items[0].id)

    @property
    def message_id(self) -> str:
        return self._once("message", lambda: self.sdk.runs.messages.list(self.run_id).items[0].id)

    @property
    def block_id(self) -> str:
        """A block of no agent."""
        return self._once("block", lambda: str(self.sdk.blocks.create(label="notes", value="Nothing yet").id))

    @property
    def attached_block_id(self) -> str:
        """The agent's block."""
        return str(self.sdk.agents.blocks.retrieve(BLOCK_LABEL, agent_id=self.agent_id).id)

    @property
    def tool_id(self) -> str:
        """A tool of no agent."""
        return self._once("tool", lambda: self.sdk.tools.create(source_code=TOOL_SOURCE).id)

    @property
    def attached_tool_id(self) -> str:
        """A tool of the agent."""
        self.sdk.agents.tools.attach(self.tool_id, agent_id=self.agent_id)
        return self.tool_id

    @property
    def mcp_server_id(self) -> str:
        return self._once("mcp server", self._register_mcp_server)

    @property
    def mcp_tool_id(self) -> str:
        """A tool of the MCP server."""
        return self._once("mcp tool", lambda: self.sdk.mcp_servers.tools.list(self.mcp_server_id)[0].id)

    @property
    def passage_id(self) -> str:
        """A passage that the agent keeps."""
        return self._once("passage", self._keep_passage)

    @property
    def conversation_id(self) -> str:
        return self._once("conversation", lambda: self.sdk.conversations.create(agent_id=self.agent_id).id)

    def ids_for(self, names: Iterable[str]) -> Mapping[str, str]:
        """Return what exists for those of a path's names that are known here."""
        return {name: KNOWN[name](self) for name in names if name in KNOWN}

    def _once(self, name: str, make: Callable[[], str]) -> str:
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]

    def _register_mcp_server(self) -> str:
        server = self.sdk.mcp_servers.create(
            server_name="weather",
            config={"mcp_server_type": "streamable_http", "server_url": self.mcp_server_url, "auth_token": "s3cret"},
        )
        assert isinstance(server, StreamableHTTPMcpServer)
        return str(server.id)

    def _keep_passage(self) -> str:
        (passage,) = self.sdk.agents.passages.create(self.agent_id, text="Ada wrote the first program")
        return str(passage.id)

    def _finish_run(self) -> str:
        run = self.deployment.post(self.agent_id)
        self.deployment.answer_doorbells()
        return run.id


KNOWN: Final[Mapping[str, Callable[[Population], str]]] = {
    "agent_id": lambda all_: all_.agent_id,
    "run_id": lambda all_: all_.run_id,
    "step_id": lambda all_: all_.step_id,
    "message_id": lambda all_: all_.message_id,
    "memory_id": lambda all_: all_.passage_id,
    "block_id": lambda all_: all_.block_id,
    "block_label": lambda _: BLOCK_LABEL,
    "tool_id": lambda all_: all_.tool_id,
    "tool_name": lambda _: TOOL_NAME,
    "mcp_server_id": lambda all_: all_.mcp_server_id,
    "conversation_id": lambda all_: all_.conversation_id,
}
"""Name of a path's value to what exists under it."""

_BLOCK: Final = {"label": BLOCK_LABEL, "value": "Name: Ada"}
