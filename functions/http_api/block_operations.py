"""Operations on memory blocks, by themselves and by the agent that has them."""

import stage
from nightshift.domain.display import Json
from nightshift.intake.agent_lists import AgentLists
from nightshift.intake.agents import AgentRegistry
from nightshift.intake.attached_blocks import AttachedBlocks
from nightshift.intake.blocks import BlockRegistry
from nightshift.intake.show_agent import show_agent, show_block
from nightshift.intake.wire.agents import AgentsOfBlockQuery
from nightshift.intake.wire.blocks import AttachedBlocksQuery, CreateBlock, ListBlocksQuery, UpdateBlock
from operations import Request, operation


def _blocks() -> BlockRegistry:
    return BlockRegistry(stage.database(), stage.clock())


def _attached() -> AttachedBlocks:
    return AttachedBlocks(AgentRegistry(stage.database(), stage.doorbell(), stage.clock()), _blocks())


@operation("Create a memory block", returns="BlockResponse", body=CreateBlock)
def create_block(request: Request, body: CreateBlock) -> Json:
    return show_block(_blocks().create(request.tenant, body))


@operation("List memory blocks by time of creation", returns="BlockResponse[]", query=ListBlocksQuery)
def list_blocks(request: Request, query: ListBlocksQuery) -> list[Json]:
    return [show_block(block) for block in _blocks().list(request.tenant, query)]


@operation("Count memory blocks")
def count_blocks(request: Request) -> int:
    return _blocks().count(request.tenant)


@operation("Retrieve a memory block", returns="BlockResponse")
def retrieve_block(request: Request, block_id: str) -> Json:
    return show_block(_blocks().get(request.tenant, block_id))


@operation("Change a memory block for all agents that have it", returns="BlockResponse", body=UpdateBlock)
def update_block(request: Request, block_id: str, body: UpdateBlock) -> Json:
    return show_block(_blocks().update(request.tenant, block_id, body))


@operation("Delete a memory block")
def delete_block(request: Request, block_id: str) -> Json:
    _blocks().delete(request.tenant, block_id)
    return {"message": f"Block {block_id} deleted"}


@operation("List the agents that have a memory block", returns="AgentState[]", query=AgentsOfBlockQuery)
def list_agents_of_block(request: Request, block_id: str, query: AgentsOfBlockQuery) -> list[Json]:
    return [show_agent(view) for view in AgentLists(stage.database()).of_block(request.tenant, block_id, query)]


@operation("List an agent's memory blocks", returns="BlockResponse[]", query=AttachedBlocksQuery)
def list_attached_blocks(request: Request, agent_id: str, query: AttachedBlocksQuery) -> list[Json]:
    return [show_block(block) for block in _attached().list(request.tenant, agent_id, query)]


@operation("Retrieve an agent's memory block by its label", returns="BlockResponse")
def retrieve_attached_block(request: Request, agent_id: str, block_label: str) -> Json:
    return show_block(_attached().get(request.tenant, agent_id, block_label))


@operation("Change an agent's memory block by its label", returns="BlockResponse", body=UpdateBlock)
def update_attached_block(request: Request, agent_id: str, block_label: str, body: UpdateBlock) -> Json:
    return show_block(_attached().update(request.tenant, agent_id, block_label, body))


@operation("Retrieve an agent's memory block by a label with a slash", returns="BlockResponse")
def retrieve_in_folder(request: Request, agent_id: str, folder: str, name: str) -> Json:
    return show_block(_attached().get(request.tenant, agent_id, f"{folder}/{name}"))


@operation("Change an agent's memory block by a label with a slash", returns="BlockResponse", body=UpdateBlock)
def update_in_folder(request: Request, agent_id: str, folder: str, name: str, body: UpdateBlock) -> Json:
    return show_block(_attached().update(request.tenant, agent_id, f"{folder}/{name}", body))


@operation("Give an agent a memory block", returns="AgentState")
def attach_block(request: Request, agent_id: str, block_id: str) -> Json:
    return show_agent(_attached().attach(request.tenant, agent_id, block_id))


@operation("Take a memory block from an agent; the block stays", returns="AgentState")
def detach_block(request: Request, agent_id: str, block_id: str) -> Json:
    return show_agent(_attached().detach(request.tenant, agent_id, block_id))
