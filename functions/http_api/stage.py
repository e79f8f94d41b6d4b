"""What the operations work with, built at first use and kept for all invocations."""

from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from api_request import require_open_intake
from nightshift.clock import Clock, SystemClock
from nightshift.settings import IntakeSettings
from nightshift.storage import clients
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Doorbell

if TYPE_CHECKING:
    from nightshift.intake.submit import Submission


@cache
def _settings() -> IntakeSettings:
    return IntakeSettings.from_environment()


@cache
def database() -> Database:
    """Return the tables."""
    return Database.connect(_settings().tables)


@cache
def doorbell() -> Doorbell:
    """Return RunQueue."""
    return Doorbell(clients.sqs(), _settings().run_queue_url)


def submission(event: APIGatewayProxyEventV2) -> "Submission":
    """Return what accepts the runs of a request.

    Raises:
        IntakePausedError: none of its tenant are accepted at present.
    """
    from nightshift.intake.submit import Submission  # noqa: PLC0415 -- many requests accept no run

    require_open_intake(event)
    return Submission(database(), doorbell(), clock())


def tool_sandbox_arn() -> str:
    """Return which function runs users' tools."""
    return _settings().tool_sandbox_arn


def allow_private_mcp_servers() -> bool:
    """Tell whether MCP servers may be at private addresses."""
    return _settings().allow_private_mcp_servers


@cache
def clock() -> Clock:
    """Return the clock."""
    return SystemClock()


def forget() -> None:
    """Build everything anew at the next use; for tests that change the environment."""
    for cached in (_settings, database, doorbell, clock):
        cached.cache_clear()
