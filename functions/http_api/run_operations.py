"""Operations on runs."""

import stage
from nightshift.domain.display import Json, show_usage
from nightshift.intake.query import Queries
from nightshift.intake.show import show_run, show_step
from nightshift.intake.wire.base import PageQuery
from nightshift.intake.wire.lists import ListRunsQuery, RunMessagesQuery
from operations import Request, operation


def _queries() -> Queries:
    return Queries(stage.database())


@operation("List runs by time of acceptance", returns="Run[]", query=ListRunsQuery)
def list_runs(request: Request, query: ListRunsQuery) -> list[Json]:
    return [show_run(view) for view in _queries().runs(request.tenant, query)]


@operation("Retrieve a run", returns="Run")
def retrieve_run(request: Request, run_id: str) -> Json:
    return show_run(_queries().run(request.tenant, run_id))


@operation("List a run's messages", returns="Message[]", query=RunMessagesQuery)
def list_run_messages(request: Request, run_id: str, query: RunMessagesQuery) -> list[Json]:
    return _queries().run_messages(request.tenant, run_id, query)


@operation("List a run's steps", returns="Step[]", query=PageQuery)
def list_run_steps(request: Request, run_id: str, query: PageQuery) -> list[Json]:
    return [show_step(step) for step in _queries().steps(request.tenant, run_id, query)]


@operation("Add up a run's tokens", returns="UsageRetrieveResponse")
def retrieve_usage(request: Request, run_id: str) -> Json:
    return show_usage(_queries().run(request.tenant, run_id).run.usage)
