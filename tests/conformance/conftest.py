from collections.abc import Iterator

import pytest

import stage
from conformance.population import Population
from conformance.waiting_clock import RunnerClock
from intake.conftest import deployment, deployments, standing
from intake.deployment import Deployment
from nightshift.storage import clients
from support.mcp_server import running_mcp_server
from support.sandbox_lambda import InProcessLambda
from support.scripted_model.answers import Reply
from support.scripted_model.server import ScriptedModel

__all__ = ["deployment", "deployments", "standing"]


@pytest.fixture(scope="session")
def mcp_server_url() -> Iterator[str]:
    """A real MCP server."""
    with running_mcp_server() as running:
        yield running.url


@pytest.fixture
def population(deployment: Deployment, mcp_server_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Population]:
    """Things of a new tenant, whose runs are executed while a request waits for them."""
    clock = RunnerClock(deployment)
    monkeypatch.setattr(stage, "clock", lambda: clock)
    monkeypatch.setattr(clients, "functions", InProcessLambda)
    monkeypatch.setattr(stage, "allow_private_mcp_servers", lambda: True)
    with ScriptedModel(rule=lambda _: Reply("Well then.")) as model:
        deployment.point_at(model)
        yield Population(deployment, mcp_server_url)
