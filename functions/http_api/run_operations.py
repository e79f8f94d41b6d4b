"""Operations on runs."""

from aws_lambda_powertools.event_handler.api_gateway import Response

import stage
from nightshift.domain.display import Json, show_usage
from nightshift.intake.metrics import show_run_metrics
from nightshift.intake.query import Queries
from nightshift.intake.run_removal import RunRemoval
from nightshift.intake.show import show_run, show_step
from nightshift.intake.wire.base import PageQuery
from nightshift.intake.wire.conversations import FollowRun
from nightshift.intake.wire.lists import ActiveRunsQuery, ListRunsQuery, RunMessagesQuery
from operations import Request, operation
from waited_answers import answer_events


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


@operation("List active runs", returns="Run[]", query=ActiveRunsQuery)
def list_active_runs(request: Request, query: ActiveRunsQuery) -> list[Json]:
    active = ListRunsQuery(agent_id=query.agent_id, background=query.background, active=True)
    return [show_run(view) for view in _queries().runs(request.tenant, active)]


@operation("Delete a run that has ended; its messages stay")
def delete_run(request: Request, run_id: str) -> Json:
    RunRemoval(stage.database()).delete(request.tenant, run_id)
    return {"message": f"Run {run_id} deleted"}


@operation("Tell how long a run took")
def retrieve_run_metrics(request: Request, run_id: str) -> Json:
    return show_run_metrics(_queries().require_run(request.tenant, run_id))


@operation("Tell where a run is: what it waits for, who holds its lease, when it is looked at next, how it went so far")
def explain_run(request: Request, run_id: str) -> Json:
    from nightshift.intake.explain import Explanations  # noqa: PLC0415 -- asked by people, not by clients

    run = _queries().require_run(request.tenant, run_id)
    return Explanations(stage.database(), stage.clock()).explain(run)


@operation(
    "Show a run's messages as server-sent events, once it has ended", returns="text/event-stream", body=FollowRun
)
def stream_run(request: Request, run_id: str, body: FollowRun) -> Response[str]:
    run = _queries().require_run(request.tenant, run_id)
    return answer_events(run, starting_after=body.starting_after, with_inputs=True)
