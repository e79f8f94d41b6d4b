from collections.abc import Iterator

import pytest

import stage
from conformance.population import Population
from conformance.waiting_clock import RunnerClock
from intake.conftest import deployment, deployments, standing
from intake.deployment import Deployment
from support.scripted_model.answers import Reply
from support.scripted_model.server import ScriptedModel

__all__ = ["deployment", "deployments", "standing"]


@pytest.fixture
def population(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Population]:
    """Things of a new tenant, whose runs are executed while a request waits for them."""
    clock = RunnerClock(deployment)
    monkeypatch.setattr(stage, "clock", lambda: clock)
    with ScriptedModel(rule=lambda _: Reply("Well then.")) as model:
        deployment.point_at(model)
        yield Population(deployment)
