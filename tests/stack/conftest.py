"""One stack for all tests of this folder."""

from collections.abc import Iterator

import pytest
from letta_client import Letta

from support.local_stack import LocalStack, running_stack
from support.scripted_model.rules import echo_history
from support.scripted_model.server import ScriptedModel


@pytest.fixture(scope="session")
def provider() -> Iterator[ScriptedModel]:
    """The model behind every `openai/…` handle; tests give each model id a script of its own."""
    with ScriptedModel(rule=echo_history) as model:
        yield model


@pytest.fixture(scope="session")
def local_stack(provider: ScriptedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with running_stack(tmp_path_factory.mktemp("stack") / "home", provider) as stack:
        yield stack


@pytest.fixture
def letta(local_stack: LocalStack) -> Letta:
    return local_stack.letta()
