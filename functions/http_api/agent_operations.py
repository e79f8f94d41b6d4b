"""Operations on agents."""

import stage
from nightshift.domain.display import Json
from nightshift.intake.agent_lists import AgentLists
from nightshift.intake.agents import AgentRegistry
from nightshift.intake.show_agent import show_agent
from nightshift.intake.wire.agents import CreateAgent, ListAgentsQuery, RecompileQuery, UpdateAgent
from operations import Request, operation


def _agents() -> AgentRegistry:
    return AgentRegistry(stage.database(), stage.doorbell(), stage.clock())


def _lists() -> AgentLists:
    return AgentLists(stage.database())


@operation("Create an agent", returns="AgentState", body=CreateAgent)
def create_agent(request: Request, body: CreateAgent) -> Json:
    return show_agent(_agents().create(request.tenant, body))


@operation("List agents by time of creation", returns="AgentState[]", query=ListAgentsQuery)
def list_agents(request: Request, query: ListAgentsQuery) -> list[Json]:
    return [show_agent(view) for view in _lists().list(request.tenant, query)]


@operation("Count agents")
def count_agents(request: Request) -> int:
    return _lists().count(request.tenant)


@operation("Retrieve an agent", returns="AgentState")
def retrieve_agent(request: Request, agent_id: str) -> Json:
    return show_agent(_agents().view(request.tenant, agent_id))


@operation("Change an agent", returns="AgentState", body=UpdateAgent)
def update_agent(request: Request, agent_id: str, body: UpdateAgent) -> Json:
    return show_agent(_agents().update(request.tenant, agent_id, body))


@operation("Compile the agent's system message anew", query=RecompileQuery)
def recompile_agent(request: Request, agent_id: str, query: RecompileQuery) -> str:
    return _agents().recompile(request.tenant, agent_id, is_dry_run=query.dry_run)


@operation("Delete an agent; its waiting runs end cancelled, its messages go")
def delete_agent(request: Request, agent_id: str) -> Json:
    _agents().delete(request.tenant, agent_id)
    return {"message": f"Agent {agent_id} deleted"}
