"""Operations that tell what there is to choose from: models and tags."""

import stage
from nightshift.domain.display import Json
from nightshift.intake.agent_lists import AgentLists
from nightshift.intake.catalogue import list_known_models
from nightshift.intake.wire.agents import ListTagsQuery
from nightshift.intake.wire.catalogue import ListModelsQuery
from operations import Request, operation


@operation("List well-known models of the providers there are", returns="Model[]", query=ListModelsQuery)
def list_models(_request: Request, query: ListModelsQuery) -> list[Json]:
    return list_known_models(query)


@operation("List embedding models: there are none", returns="EmbeddingModel[]")
def list_embedding_models(_request: Request) -> list[Json]:
    return []


@operation("List the tags that agents have, by the alphabet", query=ListTagsQuery)
def list_tags(request: Request, query: ListTagsQuery) -> list[str]:
    return [*AgentLists(stage.database()).tags(request.tenant, query)]
