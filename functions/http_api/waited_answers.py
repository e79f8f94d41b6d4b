"""Answers of the operations that wait for a run: its result, its error, or that the time was not enough."""

from aws_lambda_powertools.event_handler.api_gateway import Response

import stage
from api_errors import answer
from nightshift.domain.run import Run
from nightshift.intake.query import Queries
from nightshift.intake.responses import RunError, show_events, show_response
from nightshift.intake.wait import Waiting

NO_RETRY = {"x-should-retry": "false"}
"""The run is stored, whatever it came to: sending the same again would do the work twice."""


def answer_result(run: Run) -> Response[str]:
    """Wait for the run and answer with what it came to."""
    run = Waiting(stage.database(), stage.clock()).for_end(run)
    if refusal := without_result(run):
        return refusal
    queries = Queries(stage.database())
    return answer(200, show_response(run, queries.all_run_messages(run), queries.outputs(run)))


def without_result(run: Run) -> Response[str] | None:
    """Return the answer for a run that goes on or has failed, None when there is a result to show."""
    if not run.status.is_terminal:
        message = "The run goes on in the background; ask for it with GET /v1/runs/{run_id} and …/messages"
        return answer(504, {"detail": {"message": message, "run_id": run.id}}, NO_RETRY)
    if error := _error_of(run):
        return answer(error.status, error.show(run), NO_RETRY)
    return None


def answer_events(run: Run, *, starting_after: int = 0, with_inputs: bool = False) -> Response[str]:
    """Wait for the run and answer with server-sent events of all that it shows."""
    run = Waiting(stage.database(), stage.clock()).for_end(run)
    shown = Queries(stage.database()).all_run_messages(run)
    error = _error_of(run)
    events = show_events(run, shown, error, starting_after=starting_after, with_inputs=with_inputs)
    return Response(200, "text/event-stream", events, {"Cache-Control": "no-cache"})


def _error_of(run: Run) -> RunError | None:
    last = run.step_count
    step = stage.database().steps.get(run.tenant, run.id, last) if last else None
    return RunError.of(run, step.error_type if step else None)
