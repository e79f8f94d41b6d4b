"""One call of every SDK method that is offered, as a program makes it, and in what the answer differs."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from conformance.population import BLOCK_LABEL, TOOL_NAME, TOOL_SOURCE, Population

type Call = Callable[[Population], Any]

AGENTS: Final[Mapping[str, Call]] = {
    "agents.create": lambda on: on.sdk.agents.create(model="openai/scripted", tags=["conformance"]),
    "agents.retrieve": lambda on: on.sdk.agents.retrieve(on.agent_id),
    "agents.update": lambda on: on.sdk.agents.update(on.agent_id, description="Under test"),
    "agents.list": lambda on: on.sdk.agents.list(limit=5),
    "agents.delete": lambda on: on.sdk.agents.delete(on.agent_id),
    "agents.recompile": lambda on: on.sdk.agents.recompile(on.agent_id),
    "agents.passages.create": lambda on: on.sdk.agents.passages.create(on.agent_id, text="Ada was born in 1815"),
    "agents.passages.list": lambda on: (on.passage_id, on.sdk.agents.passages.list(on.agent_id)),
    "agents.passages.search": lambda on: (on.passage_id, on.sdk.agents.passages.search(on.agent_id, query="Ada")),
    "agents.passages.delete": lambda on: on.sdk.agents.passages.delete(on.passage_id, agent_id=on.agent_id),
    "agents.blocks.attach": lambda on: on.sdk.agents.blocks.attach(on.block_id, agent_id=on.agent_id),
    "agents.blocks.detach": lambda on: on.sdk.agents.blocks.detach(on.attached_block_id, agent_id=on.agent_id),
    "agents.blocks.list": lambda on: on.sdk.agents.blocks.list(on.agent_id),
    "agents.blocks.retrieve": lambda on: on.sdk.agents.blocks.retrieve(BLOCK_LABEL, agent_id=on.agent_id),
    "agents.blocks.update": lambda on: on.sdk.agents.blocks.update(BLOCK_LABEL, agent_id=on.agent_id, value="Grace"),
    "agents.tools.attach": lambda on: on.sdk.agents.tools.attach(on.tool_id, agent_id=on.agent_id),
    "agents.tools.detach": lambda on: on.sdk.agents.tools.detach(on.attached_tool_id, agent_id=on.agent_id),
    "agents.tools.list": lambda on: (on.attached_tool_id, on.sdk.agents.tools.list(on.agent_id)),
    "agents.tools.run": lambda on: (
        on.attached_tool_id,
        on.sdk.agents.tools.run(TOOL_NAME, agent_id=on.agent_id, args={"sides": 6}),
    ),
    "agents.tools.update_approval": lambda on: (
        on.attached_tool_id,
        on.sdk.agents.tools.update_approval(TOOL_NAME, agent_id=on.agent_id, body_requires_approval=True),
    ),
}

MESSAGES: Final[Mapping[str, Call]] = {
    "agents.messages.create_async": lambda on: on.sdk.agents.messages.create_async(on.agent_id, input="hello"),
    "agents.messages.create": lambda on: on.sdk.agents.messages.create(on.agent_id, input="hello"),
    "agents.messages.stream": lambda on: list(on.sdk.agents.messages.stream(on.agent_id, input="hello")),
    "agents.messages.list": lambda on: (on.run_id, on.sdk.agents.messages.list(on.agent_id)),
    "agents.messages.cancel": lambda on: on.sdk.agents.messages.cancel(on.agent_id, run_ids=[on.waiting_run_id]),
    "agents.messages.compact": lambda on: (on.run_id, on.sdk.agents.messages.compact(on.agent_id)),
    "agents.messages.reset": lambda on: on.sdk.agents.messages.reset(on.agent_id),
    "conversations.create": lambda on: on.sdk.conversations.create(agent_id=on.agent_id, summary="A talk"),
    "conversations.retrieve": lambda on: on.sdk.conversations.retrieve(on.conversation_id),
    "conversations.update": lambda on: on.sdk.conversations.update(on.conversation_id, summary="A longer talk"),
    "conversations.list": lambda on: (on.conversation_id, on.sdk.conversations.list(agent_id=on.agent_id)),
    "conversations.delete": lambda on: on.sdk.conversations.delete(on.conversation_id),
    "conversations.cancel": lambda on: (
        on.waiting_run_id,
        on.sdk.conversations.cancel("default", agent_id=on.agent_id),
    ),
    "conversations.fork": lambda on: on.sdk.conversations.fork(on.conversation_id),
    "conversations.recompile": lambda on: on.sdk.conversations.recompile(on.conversation_id),
    "conversations.messages.create": lambda on: list(
        on.sdk.conversations.messages.create(on.conversation_id, input="hello")
    ),
    "conversations.messages.stream": lambda on: (
        on.run_id,
        list(on.sdk.conversations.messages.stream("default", agent_id=on.agent_id)),
    ),
    "conversations.messages.compact": lambda on: (
        list(on.sdk.conversations.messages.create(on.conversation_id, input="hello")),
        on.sdk.conversations.messages.compact(on.conversation_id),
    ),
    "conversations.messages.list": lambda on: on.sdk.conversations.messages.list(on.conversation_id),
}

RUNS: Final[Mapping[str, Call]] = {
    "runs.list": lambda on: (on.run_id, on.sdk.runs.list(limit=5)),
    "runs.retrieve": lambda on: on.sdk.runs.retrieve(on.run_id),
    "runs.messages.list": lambda on: on.sdk.runs.messages.list(on.run_id),
    "runs.messages.stream": lambda on: list(on.sdk.runs.messages.stream(on.run_id)),
    "runs.steps.list": lambda on: on.sdk.runs.steps.list(on.run_id),
    "runs.usage.retrieve": lambda on: on.sdk.runs.usage.retrieve(on.run_id),
    "steps.list": lambda on: (on.run_id, on.sdk.steps.list(limit=5)),
    "steps.retrieve": lambda on: on.sdk.steps.retrieve(on.step_id),
    "steps.messages.list": lambda on: on.sdk.steps.messages.list(on.step_id),
    "steps.metrics.retrieve": lambda on: on.sdk.steps.metrics.retrieve(on.step_id),
    "steps.feedback.create": lambda on: on.sdk.steps.feedback.create(on.step_id, feedback="positive"),
}

THE_REST: Final[Mapping[str, Call]] = {
    "blocks.create": lambda on: on.sdk.blocks.create(label="persona", value="Curious"),
    "blocks.retrieve": lambda on: on.sdk.blocks.retrieve(on.block_id),
    "blocks.update": lambda on: on.sdk.blocks.update(on.block_id, value="Something"),
    "blocks.list": lambda on: (on.block_id, on.sdk.blocks.list(limit=5)),
    "blocks.delete": lambda on: on.sdk.blocks.delete(on.block_id),
    "blocks.agents.list": lambda on: on.sdk.blocks.agents.list(on.attached_block_id),
    "tools.create": lambda on: on.sdk.tools.create(source_code=TOOL_SOURCE),
    "tools.upsert": lambda on: on.sdk.tools.upsert(source_code=TOOL_SOURCE, default_requires_approval=True),
    "tools.retrieve": lambda on: on.sdk.tools.retrieve(on.tool_id),
    "tools.update": lambda on: on.sdk.tools.update(on.tool_id, description="Rolls a die"),
    "tools.list": lambda on: (on.tool_id, on.sdk.tools.list(name=TOOL_NAME)),
    "tools.delete": lambda on: on.sdk.tools.delete(on.tool_id),
    "mcp_servers.create": lambda on: on.mcp_server_id,
    "mcp_servers.retrieve": lambda on: on.sdk.mcp_servers.retrieve(on.mcp_server_id),
    "mcp_servers.update": lambda on: on.sdk.mcp_servers.update(
        on.mcp_server_id, config={"mcp_server_type": "streamable_http", "server_url": on.mcp_server_url}
    ),
    "mcp_servers.list": lambda on: (on.mcp_server_id, on.sdk.mcp_servers.list()),
    "mcp_servers.delete": lambda on: on.sdk.mcp_servers.delete(on.mcp_server_id),
    "mcp_servers.refresh": lambda on: on.sdk.mcp_servers.refresh(on.mcp_server_id),
    "mcp_servers.tools.list": lambda on: on.sdk.mcp_servers.tools.list(on.mcp_server_id),
    "mcp_servers.tools.retrieve": lambda on: on.sdk.mcp_servers.tools.retrieve(
        on.mcp_tool_id, mcp_server_id=on.mcp_server_id
    ),
    "mcp_servers.tools.run": lambda on: on.sdk.mcp_servers.tools.run(
        on.mcp_tool_id, mcp_server_id=on.mcp_server_id, args={"city": "Bonn"}
    ),
    "models.list": lambda on: on.sdk.models.list(),
    "models.embeddings.list": lambda on: on.sdk.models.embeddings.list(),
    "tags.list": lambda on: on.sdk.tags.list(),
    "health": lambda on: on.sdk.health(),
}

CALLS: Final[Mapping[str, Call]] = {**AGENTS, **MESSAGES, **RUNS, **THE_REST}
"""SDK method to a call of it; a tuple says first what has to exist."""

DIFFERENCES: Final[Mapping[str, str]] = {
    "mcp_servers.create": "servers over streamable HTTP alone; secrets are never shown again",
    "agents.tools.run": "tools of Python source and of MCP servers; within 20 s",
    "agents.passages.search": "by words, not by meaning, among the 1,000 newest",
    "agents.delete": "runs that wait end cancelled, and their callbacks are sent",
    "agents.messages.create_async": "bad fields are refused at once; `Idempotency-Key` is honoured",
    "agents.messages.create": "the run goes on in the background if it takes longer than the gateway waits: "
    "504 names it and the SDK doesn't repeat",
    "agents.messages.stream": "the messages of the background run, sent when it has ended",
    "agents.messages.compact": "waits for a run of its own, with 504 like `agents.messages.create`",
    "conversations.messages.compact": "waits for a run of its own, with 504 like `agents.messages.create`",
    "conversations.messages.create": "the messages of the background run, sent when it has ended",
    "conversations.messages.stream": "the stored messages, sent at once",
    "runs.messages.stream": "the stored messages, sent at once",
    "runs.list": "`after` and `before` follow the order asked for, so paging ends where the runs do",
}
"""SDK method to what is not as in the original server."""
