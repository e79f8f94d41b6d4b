"""Operations on an agent's messages that act at once: send and wait, cancel, reset."""

from aws_lambda_powertools.event_handler.api_gateway import Response

import stage
from api_request import parse_headers
from nightshift.domain.run import Run
from nightshift.intake.cancel import Cancellation
from nightshift.intake.conversation_path import find_place
from nightshift.intake.renewal import Renewal
from nightshift.intake.wire.conversations import CancelRuns, ResetMessages, SendMessages
from nightshift.intake.wire.create_run import RunHeaders
from operations import Request, operation
from waited_answers import answer_events, answer_result


def _submit(request: Request, agent_id: str, body: SendMessages) -> Run:
    submission = stage.submission(request.event)
    headers = parse_headers(request.event, RunHeaders)
    return submission.submit(request.tenant, agent_id, body, request.correlation_id, headers=headers)


@operation("Process messages and wait for the result", returns="LettaResponse|text/event-stream", body=SendMessages)
def send_messages(request: Request, agent_id: str, body: SendMessages) -> Response[str]:
    run = _submit(request, agent_id, body)
    return answer_events(run) if body.streaming else answer_result(run)


@operation(
    "Process messages; answers with server-sent events once the run has ended",
    returns="text/event-stream",
    body=SendMessages,
)
def stream_messages(request: Request, agent_id: str, body: SendMessages) -> Response[str]:
    return answer_events(_submit(request, agent_id, body))


@operation("Cancel runs of an agent, all active ones when none is named", body=CancelRuns)
def cancel_runs(request: Request, agent_id: str, body: CancelRuns) -> dict[str, str]:
    cancellation = Cancellation(stage.database(), stage.doorbell(), stage.clock())
    if body.run_ids:
        return cancellation.cancel_named(request.tenant, agent_id, body.run_ids)
    return cancellation.cancel_agent(request.tenant, agent_id)


@operation("Let an agent's default conversation begin anew", body=ResetMessages)
def reset_messages(request: Request, agent_id: str, body: ResetMessages) -> None:  # noqa: ARG001 -- its form is checked
    place = find_place(stage.database(), request.tenant, agent_id)
    Renewal(stage.database(), stage.clock()).reset(place)
