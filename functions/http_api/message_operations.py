"""Operations on the messages of an agent: sending them in the background, reading them."""

import stage
from nightshift.domain.display import Json
from nightshift.intake.query import Queries
from nightshift.intake.show import RunView, show_run
from nightshift.intake.submit import Submission
from nightshift.intake.wire.create_run import CreateRun
from nightshift.intake.wire.lists import AgentMessagesQuery
from operations import Request, operation


@operation("Process messages in the background; answers at once with the Run", returns="Run", body=CreateRun)
def create_run(request: Request, agent_id: str, body: CreateRun) -> Json:
    submission = Submission(stage.database(), stage.doorbell(), stage.clock())
    return show_run(RunView(submission.submit(request.tenant, agent_id, body, request.correlation_id)))


@operation("List an agent's messages, oldest first", returns="Message[]", query=AgentMessagesQuery)
def list_agent_messages(request: Request, agent_id: str, query: AgentMessagesQuery) -> list[Json]:
    return Queries(stage.database()).agent_messages(request.tenant, agent_id, query)
