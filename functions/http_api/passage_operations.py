"""Operations on the passages of an agent's archival memory."""

import stage
from nightshift.domain.display import Json
from nightshift.intake.agents import AgentRegistry
from nightshift.intake.passages import Archives, show_found, show_passage
from nightshift.intake.wire.passages import CreatePassage, ListPassagesQuery, SearchPassagesQuery
from operations import Request, operation


def _archives() -> Archives:
    agents = AgentRegistry(stage.database(), stage.doorbell(), stage.clock())
    return Archives(stage.database(), agents, stage.clock())


@operation("Keep a passage in an agent's archival memory", returns="Passage[]", body=CreatePassage)
def create_passage(request: Request, agent_id: str, body: CreatePassage) -> list[Json]:
    return [show_passage(_archives().keep(request.tenant, agent_id, body))]


@operation("List an agent's passages by time of keeping", returns="Passage[]", query=ListPassagesQuery)
def list_passages(request: Request, agent_id: str, query: ListPassagesQuery) -> list[Json]:
    return [show_passage(passage) for passage in _archives().list(request.tenant, agent_id, query)]


@operation("Find an agent's passages by their words", returns="agents.PassageSearchResponse", query=SearchPassagesQuery)
def search_passages(request: Request, agent_id: str, query: SearchPassagesQuery) -> Json:
    return show_found(*_archives().search(request.tenant, agent_id, query))


@operation("Delete a passage of an agent")
def delete_passage(request: Request, agent_id: str, memory_id: str) -> Json:
    _archives().delete(request.tenant, agent_id, memory_id)
    return {"message": f"Passage {memory_id} deleted"}
