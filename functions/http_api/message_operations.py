"""Operations on the messages of an agent: sending them in the background, reading them."""

import stage
from api_request import parse_headers
from nightshift.domain.display import Json
from nightshift.intake.query import Queries
from nightshift.intake.show import RunView, show_run
from nightshift.intake.wire.create_run import CreateRun, RunHeaders
from nightshift.intake.wire.lists import AgentMessagesQuery
from operations import Request, operation


@operation("Process messages in the background; answers at once with the Run", returns="Run", body=CreateRun)
def create_run(request: Request, agent_id: str, body: CreateRun) -> Json:
    submission = stage.submission(request.event)
    headers = parse_headers(request.event, RunHeaders)
    run = submission.submit(request.tenant, agent_id, body, request.correlation_id, headers=headers)
    # A request that was sent again is answered with its run as it is now, which may have had its callback.
    return show_run(RunView(run) if not run.status.is_terminal else Queries(stage.database()).run(run.tenant, run.id))


@operation("List an agent's messages, oldest first", returns="Message[]", query=AgentMessagesQuery)
def list_agent_messages(request: Request, agent_id: str, query: AgentMessagesQuery) -> list[Json]:
    return Queries(stage.database()).agent_messages(request.tenant, agent_id, query)
