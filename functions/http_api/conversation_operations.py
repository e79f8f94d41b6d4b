"""Operations on conversations; their place in a path is `conv-…`, `agent-…` or `default` (intake/conversation_path)."""

from aws_lambda_powertools.event_handler.api_gateway import Response

import stage
from api_request import parse_headers, require_id
from nightshift.domain.display import Json
from nightshift.domain.errors import NotFoundError
from nightshift.domain.run import Run
from nightshift.intake.cancel import Cancellation
from nightshift.intake.conversation_path import Place, find_place, is_conversation_id
from nightshift.intake.conversation_view import show_conversation
from nightshift.intake.conversations import ConversationRegistry
from nightshift.intake.query import Queries
from nightshift.intake.renewal import Renewal
from nightshift.intake.wire.conversations import (
    ConversationMessagesQuery,
    CreateConversation,
    CreateConversationQuery,
    FollowConversation,
    ForkQuery,
    ListConversationsQuery,
    OfAgentBody,
    OfAgentQuery,
    RecompileQuery,
    SendToConversation,
    UpdateConversation,
)
from nightshift.intake.wire.create_run import RunHeaders
from nightshift.intake.wire.lists import ListRunsQuery
from operations import Request, operation
from waited_answers import answer_events, answer_result


def _registry() -> ConversationRegistry:
    return ConversationRegistry(stage.database(), stage.doorbell(), stage.clock())


def _require_form(conversation_id: str) -> str:
    """Return the path's value, or refuse it with 422."""
    if is_conversation_id(conversation_id):
        return conversation_id
    return require_id("conv", conversation_id, "conversation_id")


def _place(request: Request, conversation_id: str, agent_id: str | None) -> Place:
    return find_place(stage.database(), request.tenant, _require_form(conversation_id), agent_id)


@operation(
    "Create a conversation of an agent", returns="Conversation", body=CreateConversation, query=CreateConversationQuery
)
def create_conversation(request: Request, body: CreateConversation, query: CreateConversationQuery) -> Json:
    return show_conversation(_registry().create(request.tenant, query.agent_id, body))


@operation("List an agent's conversations", returns="Conversation[]", query=ListConversationsQuery)
def list_conversations(request: Request, query: ListConversationsQuery) -> list[Json]:
    return [show_conversation(view) for view in _registry().list(request.tenant, query)]


@operation("Retrieve a conversation", returns="Conversation")
def retrieve_conversation(request: Request, conversation_id: str) -> Json:
    return show_conversation(_registry().get(request.tenant, _require_form(conversation_id)))


@operation("Change what is said about a conversation", returns="Conversation", body=UpdateConversation)
def update_conversation(request: Request, conversation_id: str, body: UpdateConversation) -> Json:
    return show_conversation(_registry().update(request.tenant, _require_form(conversation_id), body))


@operation("Delete a conversation; its waiting runs end cancelled, its messages go")
def delete_conversation(request: Request, conversation_id: str) -> Json:
    _registry().delete(request.tenant, _require_form(conversation_id))
    return {"message": f"Conversation {conversation_id} deleted"}


@operation("Cancel all active runs of a conversation", query=OfAgentQuery)
def cancel_conversation(request: Request, conversation_id: str, query: OfAgentQuery) -> dict[str, str]:
    place = _place(request, conversation_id, query.agent_id)
    cancellation = Cancellation(stage.database(), stage.doorbell(), stage.clock())
    return cancellation.cancel_conversation(request.tenant, place.lane.id)


@operation("Begin a conversation with what was said in another", returns="Conversation", query=ForkQuery)
def fork_conversation(request: Request, conversation_id: str, query: ForkQuery) -> Json:
    place = _place(request, conversation_id, query.agent_id)
    return show_conversation(_registry().fork(request.tenant, place, query))


@operation("Compile the system message from the agent's memory as it is now", body=OfAgentBody, query=RecompileQuery)
def recompile_conversation(request: Request, conversation_id: str, body: OfAgentBody, query: RecompileQuery) -> str:
    place = _place(request, conversation_id, body.agent_id)
    return Renewal(stage.database(), stage.clock()).recompile(place, is_kept=not query.dry_run)


@operation("List a conversation's messages", returns="Message[]", query=ConversationMessagesQuery)
def list_conversation_messages(request: Request, conversation_id: str, query: ConversationMessagesQuery) -> list[Json]:
    place = _place(request, conversation_id, query.agent_id)
    return Queries(stage.database()).conversation_messages(place, query)


@operation(
    "Process messages; streams unless told otherwise",
    returns="LettaResponse|text/event-stream",
    body=SendToConversation,
)
def send_to_conversation(request: Request, conversation_id: str, body: SendToConversation) -> Response[str]:
    lane = _place(request, conversation_id, body.agent_id).lane
    submission = stage.submission(request.event)
    headers = parse_headers(request.event, RunHeaders)
    run = submission.submit(request.tenant, lane.agent_id, body, request.correlation_id, lane.id, headers)
    return answer_result(run) if body.streaming is False else answer_events(run)


@operation(
    "Show a conversation's newest run as server-sent events, once it has ended",
    returns="text/event-stream",
    body=FollowConversation,
)
def stream_conversation(request: Request, conversation_id: str, body: FollowConversation) -> Response[str]:
    run = _run_to_follow(request, _place(request, conversation_id, body.agent_id), body.run_id)
    return answer_events(run, starting_after=body.starting_after)


def _run_to_follow(request: Request, place: Place, run_id: str | None) -> Run:
    """Return the run that is named, else the conversation's newest one."""
    queries, lane = Queries(stage.database()), place.lane
    if run_id is not None:
        run = queries.require_run(request.tenant, run_id)
        if run.conversation_id == lane.id:
            return run
        raise NotFoundError(f"Run not found: {run_id}")
    newest = ListRunsQuery(agent_id=lane.agent_id, conversation_id=lane.id, limit=1)
    for view in queries.runs(request.tenant, newest):
        return view.run
    raise NotFoundError("This conversation has no run to stream")
