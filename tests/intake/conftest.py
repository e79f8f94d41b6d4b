from collections.abc import Iterator

import pytest
from moto import mock_aws

from intake.deployment import Deployment, Deployments, deploy, forget_functions
from support.aws_tables import REGION, _forget_clients, _watch_calls, create_stack
from support.scripted_model.rules import echo_history
from support.scripted_model.server import ScriptedModel


@pytest.fixture(scope="module")
def deployments() -> Iterator[Deployments]:
    """One stack for a module: making it takes longer than most tests, and tenants don't meet."""
    with pytest.MonkeyPatch.context() as monkeypatch, mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
        _forget_clients()
        stack = create_stack()
        _watch_calls(stack.calls, monkeypatch)
        yield deploy(stack, monkeypatch)
        forget_functions()
        _forget_clients()


@pytest.fixture
def deployment(deployments: Deployments) -> Deployment:
    """A tenant who has nothing yet."""
    return deployments.new()


@pytest.fixture(scope="module")
def standing(deployments: Deployments) -> Deployment:
    """One tenant for all tests of a module that leave nothing behind."""
    return deployments.new()


@pytest.fixture
def provider(deployment: Deployment) -> Iterator[ScriptedModel]:
    """A model that answers with the user messages it saw, until a test plays it a script."""
    with ScriptedModel(rule=echo_history) as model:
        deployment.point_at(model)
        yield model
