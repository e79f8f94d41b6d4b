"""Operations on agents."""

import stage
from nightshift.domain.display import Json
from nightshift.intake.agents import AgentRegistry
from nightshift.intake.show import show_agent
from nightshift.intake.wire.agents import CreateAgent, ListAgentsQuery
from operations import Request, operation


def _agents() -> AgentRegistry:
    return AgentRegistry(stage.database(), stage.doorbell(), stage.clock())


@operation("Create an agent", returns="AgentState", body=CreateAgent)
def create_agent(request: Request, body: CreateAgent) -> Json:
    return show_agent(_agents().create(request.tenant, body))


@operation("List agents by time of creation", returns="AgentState[]", query=ListAgentsQuery)
def list_agents(request: Request, query: ListAgentsQuery) -> list[Json]:
    return [show_agent(agent) for agent in _agents().list(request.tenant, query)]


@operation("Retrieve an agent", returns="AgentState")
def retrieve_agent(request: Request, agent_id: str) -> Json:
    return show_agent(_agents().get(request.tenant, agent_id))


@operation("Delete an agent; its waiting runs end cancelled, its messages go")
def delete_agent(request: Request, agent_id: str) -> Json:
    _agents().delete(request.tenant, agent_id)
    return {"message": f"Agent {agent_id} deleted"}
