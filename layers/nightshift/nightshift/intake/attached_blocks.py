"""The blocks that agents have: which may be together, attaching and detaching."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from nightshift.domain.agent import Agent
from nightshift.domain.block import Block
from nightshift.domain.errors import NotFoundError
from nightshift.intake.agent_limits import check_memory
from nightshift.intake.agent_view import AgentView
from nightshift.intake.agents import AgentRegistry
from nightshift.intake.blocks import BlockRegistry
from nightshift.intake.listing import page_of
from nightshift.intake.show_agent import show_block
from nightshift.intake.wire.base import PageQuery
from nightshift.intake.wire.blocks import UpdateBlock


@dataclass(frozen=True, slots=True)
class AttachedBlocks:
    """Blocks by the agent that has them."""

    agents: AgentRegistry
    blocks: BlockRegistry

    def list(self, tenant: str, agent_id: str, query: PageQuery) -> Sequence[Block]:
        """Return a page of the agent's blocks, in the order of attaching."""
        return page_of(self.agents.view(tenant, agent_id).blocks, query, lambda block: block.id, show_block)

    def get(self, tenant: str, agent_id: str, label: str) -> Block:
        """Return the agent's block with this label.

        Raises:
            NotFoundError: no such agent, or it has none.
        """
        for block in self.agents.view(tenant, agent_id).blocks:
            if block.label == label:
                return block
        raise NotFoundError(f"Agent {agent_id} has no block with the label {label}")

    def update(self, tenant: str, agent_id: str, label: str, body: UpdateBlock) -> Block:
        """Change the agent's block with this label, for every agent that has it."""
        return self.blocks.update(tenant, self.get(tenant, agent_id, label).id, body)

    def attach(self, tenant: str, agent_id: str, block_id: str) -> AgentView:
        """Give the agent a block; one that it has already stays where it is.

        Raises:
            NotFoundError: no such agent or block.
            ConflictError: another block of the agent has its label.
        """
        block = self.blocks.get(tenant, block_id)

        def with_block(agent: Agent) -> Agent:
            if block_id in agent.block_ids:
                return agent
            check_memory([*self.blocks.of_agent(agent), block])
            return replace(agent, block_ids=(*agent.block_ids, block_id))

        return self.agents.change(tenant, agent_id, with_block)

    def detach(self, tenant: str, agent_id: str, block_id: str) -> AgentView:
        """Take a block from the agent; the block itself stays.

        Raises:
            NotFoundError: no such agent, or it does not have the block.
        """

        def without_block(agent: Agent) -> Agent:
            if block_id not in agent.block_ids:
                raise NotFoundError(f"Agent {agent_id} has no block {block_id}")
            return replace(agent, block_ids=tuple(one for one in agent.block_ids if one != block_id))

        return self.agents.change(tenant, agent_id, without_block)
