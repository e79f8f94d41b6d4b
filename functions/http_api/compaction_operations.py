"""Operations that compact messages on request: a run of its own kind, which the request waits for."""

from aws_lambda_powertools.event_handler.api_gateway import Response

import stage
from api_errors import answer
from api_request import parse_headers, require_id
from nightshift.domain.run import Run
from nightshift.intake.compaction import require_compacted, show_compaction
from nightshift.intake.conversation_path import find_place, is_conversation_id
from nightshift.intake.wait import Waiting
from nightshift.intake.wire.compaction import CompactConversation, CompactMessages
from nightshift.intake.wire.create_run import RunHeaders
from operations import Request, operation
from waited_answers import without_result


def _submit(request: Request, agent_id: str, body: CompactMessages, conversation_id: str | None = None) -> Run:
    submission = stage.submission(request.event)
    headers = parse_headers(request.event, RunHeaders)
    return submission.submit(request.tenant, agent_id, body, request.correlation_id, conversation_id, headers)


def _answer(run: Run) -> Response[str]:
    """Wait for the run and answer with its summary."""
    run = Waiting(stage.database(), stage.clock()).for_end(run)
    require_compacted(run)
    if refusal := without_result(run):
        return refusal
    return answer(200, show_compaction(stage.database(), run))


@operation(
    "Let a summary take the place of older messages in an agent's context",
    returns="CompactionResponse",
    body=CompactMessages,
)
def compact_agent(request: Request, agent_id: str, body: CompactMessages) -> Response[str]:
    return _answer(_submit(request, agent_id, body))


@operation(
    "Let a summary take the place of older messages in a conversation's context",
    returns="CompactionResponse",
    body=CompactConversation,
)
def compact_conversation(request: Request, conversation_id: str, body: CompactConversation) -> Response[str]:
    if not is_conversation_id(conversation_id):
        require_id("conv", conversation_id, "conversation_id")
    lane = find_place(stage.database(), request.tenant, conversation_id, body.agent_id).lane
    return _answer(_submit(request, lane.agent_id, body, lane.id))
