"""The routes: parse, call one function of the intake stage, show what came of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from aws_lambda_powertools.event_handler.api_gateway import Response
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from api_errors import answer
from api_request import parse_body, parse_query, require_id
from nightshift.clock import SystemClock
from nightshift.domain.display import show_usage
from nightshift.intake.agents import AgentRegistry
from nightshift.intake.query import Queries
from nightshift.intake.show import RunView, show_agent, show_run, show_step
from nightshift.intake.submit import Submission
from nightshift.intake.wire import (
    AgentMessagesQuery,
    CreateAgent,
    CreateRun,
    ListAgentsQuery,
    ListRunsQuery,
    PageQuery,
    RunMessagesQuery,
)
from nightshift.settings import IntakeSettings
from nightshift.storage import clients
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Doorbell
from nightshift.telemetry import log_keys
from nightshift.version import VERSION


@dataclass(frozen=True, slots=True)
class Request:
    """One authorized request."""

    event: APIGatewayProxyEventV2
    tenant: str
    correlation_id: str


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path without a trailing slash; `<name>` stands for one segment."""

    method: str
    path: str
    handle: Callable[..., Response[str]]

    def matches_path(self, path: str) -> bool:
        """Tell whether the path is this route's, whatever the method."""
        return re.fullmatch(re.sub(r"<\w+>", "[^/]+", self.path), path) is not None


@dataclass(frozen=True, slots=True)
class _Stage:
    agents: AgentRegistry
    submission: Submission
    queries: Queries


@cache
def _stage() -> _Stage:
    settings = IntakeSettings.from_environment()
    database, clock = Database.connect(settings.tables), SystemClock()
    doorbell = Doorbell(clients.sqs(), settings.run_queue_url)
    return _Stage(AgentRegistry(database, doorbell, clock), Submission(database, doorbell, clock), Queries(database))


def _health(_event: APIGatewayProxyEventV2) -> Response[str]:
    return answer(200, {"status": "ok", "version": VERSION})


def _create_agent(request: Request) -> Response[str]:
    agent = _stage().agents.create(request.tenant, parse_body(request.event, CreateAgent))
    return answer(200, show_agent(agent))


def _list_agents(request: Request) -> Response[str]:
    agents = _stage().agents.list(request.tenant, parse_query(request.event, ListAgentsQuery))
    return answer(200, [show_agent(agent) for agent in agents])


def _get_agent(request: Request, agent_id: str) -> Response[str]:
    agent = _stage().agents.get(request.tenant, require_id("agent", agent_id, "agent_id"))
    return answer(200, show_agent(agent))


def _delete_agent(request: Request, agent_id: str) -> Response[str]:
    _stage().agents.delete(request.tenant, require_id("agent", agent_id, "agent_id"))
    return answer(200, {"message": f"Agent {agent_id} deleted"})


def _create_run(request: Request, agent_id: str) -> Response[str]:
    require_id("agent", agent_id, "agent_id")
    body = parse_body(request.event, CreateRun)
    run = _stage().submission.submit(request.tenant, agent_id, body, request.correlation_id)
    return answer(200, show_run(RunView(run)))


def _agent_messages(request: Request, agent_id: str) -> Response[str]:
    require_id("agent", agent_id, "agent_id")
    query = parse_query(request.event, AgentMessagesQuery)
    return answer(200, _stage().queries.agent_messages(request.tenant, agent_id, query))


def _list_runs(request: Request) -> Response[str]:
    views = _stage().queries.runs(request.tenant, parse_query(request.event, ListRunsQuery))
    return answer(200, [show_run(view) for view in views])


def _get_run(request: Request, run_id: str) -> Response[str]:
    with log_keys(run_id=run_id):
        return answer(200, show_run(_stage().queries.run(request.tenant, run_id)))


def _run_messages(request: Request, run_id: str) -> Response[str]:
    query = parse_query(request.event, RunMessagesQuery)
    return answer(200, _stage().queries.run_messages(request.tenant, run_id, query))


def _run_steps(request: Request, run_id: str) -> Response[str]:
    steps = _stage().queries.steps(request.tenant, run_id, parse_query(request.event, PageQuery))
    return answer(200, [show_step(step) for step in steps])


def _run_usage(request: Request, run_id: str) -> Response[str]:
    return answer(200, show_usage(_stage().queries.run(request.tenant, run_id).run.usage))


OPEN_ROUTES = (Route("GET", "/v1/health", _health),)
"""Routes that need no token."""

ROUTES = (
    Route("POST", "/v1/agents", _create_agent),
    Route("GET", "/v1/agents", _list_agents),
    Route("GET", "/v1/agents/<agent_id>", _get_agent),
    Route("DELETE", "/v1/agents/<agent_id>", _delete_agent),
    Route("POST", "/v1/agents/<agent_id>/messages/async", _create_run),
    Route("GET", "/v1/agents/<agent_id>/messages", _agent_messages),
    Route("GET", "/v1/runs", _list_runs),
    Route("GET", "/v1/runs/<run_id>", _get_run),
    Route("GET", "/v1/runs/<run_id>/messages", _run_messages),
    Route("GET", "/v1/runs/<run_id>/steps", _run_steps),
    Route("GET", "/v1/runs/<run_id>/usage", _run_usage),
)
"""Routes for the tenant of the request's token."""
