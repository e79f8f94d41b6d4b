"""Creates, finds, changes and deletes agents."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from nightshift.clock import Clock
from nightshift.domain import ids
from nightshift.domain.agent import Agent
from nightshift.domain.block import Block
from nightshift.domain.errors import ConditionFailedError, NotFoundError
from nightshift.domain.message import Message
from nightshift.domain.system_prompt import DEFAULT_SYSTEM, MemorySize
from nightshift.domain.tool import Tool
from nightshift.intake.agent_fields import handle_of, random_name, with_fields
from nightshift.intake.agent_limits import check_agent, check_memory, check_tools
from nightshift.intake.agent_tools import ask_approval, tools_of_creator
from nightshift.intake.agent_view import AgentView, tools_of_ids, view_of
from nightshift.intake.changes import until_unchanged
from nightshift.intake.new_block import new_block
from nightshift.intake.wire.agents import CreateAgent, UpdateAgent
from nightshift.models.handles import parse_handle
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Doorbell, Ring
from nightshift.storage.dynamo import Write
from nightshift.telemetry import logger

type Change = Callable[[Agent], Agent]


@dataclass(frozen=True, slots=True)
class AgentRegistry:
    """The agents of all tenants; every call names its tenant."""

    database: Database
    doorbell: Doorbell
    clock: Clock

    def create(self, tenant: str, body: CreateAgent) -> AgentView:
        """Make an agent with its new blocks and its default conversation, which begins with the system message.

        Raises:
            InvalidRequestError: no model, or not a handle; more than an agent may have.
            NotFoundError: no such provider, block or tool.
            ConflictError: two blocks with one label.
        """
        parse_handle(handle_of(body))
        agent = with_fields(_blank_agent(tenant, body, self.clock), body)
        made = [new_block(tenant, block, self.clock) for block in body.memory_blocks or ()]
        blocks = [*made, *self._blocks(agent)]
        tools = tools_of_creator(self.database, tenant, body)
        agent = replace(
            agent,
            block_ids=tuple(block.id for block in blocks),
            tool_ids=tuple(tool.id for tool in tools),
            tool_rules=ask_approval(agent.tool_rules, tools),
        )
        check_agent(agent)
        check_memory(blocks)
        check_tools(tools)
        self.database.transact(self._writes(agent, made, blocks, body))
        logger.info("agent created", agent_id=agent.id, model=agent.model)
        return AgentView(agent, tuple(blocks), tuple(tools))

    def _writes(self, agent: Agent, made: Sequence[Block], blocks: Sequence[Block], body: CreateAgent) -> list[Write]:
        from nightshift.storage.system_message import system_message_of  # noqa: PLC0415 -- most operations compile none

        drafts = [message.to_draft() for message in body.initial_message_sequence or ()]
        system = system_message_of(agent, blocks, agent.id, agent.created_at, MemorySize(len(drafts)))
        said = [Message(ids.message_id(place), place, agent.created_at, draft) for place, draft in enumerate(drafts, 1)]
        messages = [self.database.messages.append(agent.tenant, agent.id, message) for message in [system, *said]]
        lane = self.database.conversations.create(agent.tenant, agent.id, agent.id, next_sequence=len(messages))
        return [
            self.database.agents.create(agent),
            lane,
            *(self.database.blocks.create(block) for block in made),
            *messages,
        ]

    def get(self, tenant: str, agent_id: str) -> Agent:
        """Return the agent.

        Raises:
            NotFoundError: this tenant has none of this id.
        """
        agent = self.database.agents.get(tenant, agent_id) if ids.is_well_formed("agent", agent_id) else None
        if agent is None:
            raise NotFoundError(f"Agent with ID {agent_id} not found")
        return agent

    def view(self, tenant: str, agent_id: str) -> AgentView:
        """Return the agent with its blocks and tools; raises as `get` does."""
        return view_of(self.database, self.get(tenant, agent_id))

    def update(self, tenant: str, agent_id: str, body: UpdateAgent) -> AgentView:
        """Change what the request gives. New instructions go into the system message of the default conversation.

        Raises:
            InvalidRequestError: not a handle; more than an agent may have.
            NotFoundError: no such agent, provider, block or tool.
            ConflictError: two blocks with one label.
        """
        if (handle := handle_of(body)) is not None:
            parse_handle(handle)

        def with_body(agent: Agent) -> Agent:
            changed = with_fields(agent, body)
            check_agent(changed)
            if body.block_ids is not None:
                check_memory(self._blocks(changed))
            if body.tool_ids is None:
                return changed
            tools = self._tools(changed)
            check_tools(tools)
            new = [tool for tool in tools if tool.id not in agent.tool_ids]
            return replace(changed, tool_rules=ask_approval(changed.tool_rules, new))

        return self.change(tenant, agent_id, with_body)

    def change(self, tenant: str, agent_id: str, change: Change) -> AgentView:
        """Change an agent, once more as often as somebody else changes it in between.

        Raises:
            NotFoundError: this tenant has none of this id; and what the change itself raises.
        """

        def attempt() -> Agent:
            before = self.get(tenant, agent_id)
            after = change(before)
            if after == before:
                return before
            after = replace(after, updated_at=self.clock.now())
            writes: list[Write] = [self.database.agents.replace(after)]
            if after.system != before.system:
                writes.append(self.database.messages.replace_system(tenant, agent_id, self.compile(after)))
            self.database.transact(writes)
            return after

        return view_of(self.database, until_unchanged(self.clock, attempt))

    def compile(self, agent: Agent) -> Message:
        """Return the system message that the agent's default conversation would begin with if it began now."""
        from nightshift.storage.system_message import compile_system_message  # noqa: PLC0415 -- as above

        lane = self.database.conversations.get(agent.tenant, agent.id)
        return compile_system_message(
            self.database, agent, agent.id, self.clock.now(), lane.held_messages if lane else 0
        )

    def recompile(self, tenant: str, agent_id: str, *, is_dry_run: bool) -> str:
        """Return the system message that instructions and memory give now, and store it unless this is a dry run.

        Raises:
            NotFoundError: this tenant has none of this id.
        """
        message = self.compile(self.get(tenant, agent_id))
        if not is_dry_run:
            try:
                self.database.dynamo.write(self.database.messages.replace_system(tenant, agent_id, message))
            except ConditionFailedError as failed:
                raise NotFoundError(f"Agent with ID {agent_id} not found") from failed
        return message.draft.text

    def delete(self, tenant: str, agent_id: str) -> None:
        """Delete the agent. Its waiting runs end `cancelled` with their callbacks, then its messages go.

        Its blocks stay: they are the tenant's, and other agents may have them. What follows the transaction is a
        runner's work, so that a crash here or there delays it and loses nothing.

        Raises:
            NotFoundError: this tenant has none of this id.
        """
        try:
            self.database.transact(
                [
                    self.database.agents.delete(tenant, agent_id),
                    self.database.conversations.mark_deleted(tenant, agent_id, self.clock.now()),
                ],
            )
        except ConditionFailedError as failed:
            raise NotFoundError(f"Agent with ID {agent_id} not found") from failed
        logger.info("agent deleted", agent_id=agent_id)
        self.doorbell.try_to_ring(Ring(tenant, agent_id))

    def _blocks(self, agent: Agent) -> list[Block]:
        """Read the agent's blocks, which must all exist."""
        blocks = self.database.blocks.get_many(agent.tenant, agent.block_ids)
        _require(agent.block_ids, blocks, "Block")
        return blocks

    def _tools(self, agent: Agent) -> list[Tool]:
        """Read the agent's tools, which must all exist."""
        found = tools_of_ids(self.database, agent.tenant, agent.tool_ids)
        tools = [found[tool_id] for tool_id in agent.tool_ids if tool_id in found]
        _require(agent.tool_ids, tools, "Tool")
        return tools


def _require(wanted: Sequence[str], found: Sequence[Block] | Sequence[Tool], kind: str) -> None:
    missing = {*wanted} - {one.id for one in found}
    if missing:
        raise NotFoundError(f"{kind} with ID {min(missing)} not found")


def _blank_agent(tenant: str, body: CreateAgent, clock: Clock) -> Agent:
    now = clock.now()
    return Agent(
        id=ids.new_id("agent"),
        tenant=tenant,
        name=random_name(),
        model="",
        system=DEFAULT_SYSTEM,
        created_at=now,
        updated_at=now,
        agent_type=body.agent_type,
        system_message_id=ids.message_id(0),
    )
