"""The fixtures of tests that work on one conversation: a stack, a scripted model, and the lane on both."""

from collections.abc import Iterator

import pytest

from support.aws_tables import Stack, stack
from support.lane import Lane
from support.scripted_model.rules import echo_history
from support.scripted_model.server import ScriptedModel

__all__ = ["lane", "provider", "stack"]


@pytest.fixture
def provider() -> Iterator[ScriptedModel]:
    """A model that answers with the user messages it saw, until a test plays it a script."""
    with ScriptedModel(rule=echo_history) as model:
        yield model


@pytest.fixture
def lane(stack: Stack, provider: ScriptedModel) -> Lane:
    return Lane(stack, provider)
