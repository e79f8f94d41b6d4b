"""Operations on steps."""

import stage
from nightshift.domain.display import Json
from nightshift.intake.metrics import show_step_metrics
from nightshift.intake.show import show_step
from nightshift.intake.steps import StepQueries
from nightshift.intake.wire.conversations import GiveFeedback
from nightshift.intake.wire.lists import ListStepsQuery, RunMessagesQuery
from operations import Request, operation


def _steps() -> StepQueries:
    return StepQueries(stage.database())


@operation("List steps by the acceptance of their runs", returns="Step[]", query=ListStepsQuery)
def list_steps(request: Request, query: ListStepsQuery) -> list[Json]:
    return [show_step(step) for step in _steps().page(request.tenant, query)]


@operation("Retrieve a step", returns="Step")
def retrieve_step(request: Request, step_id: str) -> Json:
    return show_step(_steps().get(request.tenant, step_id))


@operation("Tell how long a step took", returns="MetricRetrieveResponse")
def retrieve_step_metrics(request: Request, step_id: str) -> Json:
    return show_step_metrics(_steps().get(request.tenant, step_id))


@operation("List a step's messages", returns="Message[]", query=RunMessagesQuery)
def list_step_messages(request: Request, step_id: str, query: RunMessagesQuery) -> list[Json]:
    return _steps().messages(request.tenant, step_id, query)


@operation("Say what you think of a step", returns="Step", body=GiveFeedback)
def give_feedback(request: Request, step_id: str, body: GiveFeedback) -> Json:
    return show_step(_steps().give_feedback(request.tenant, step_id, body))
