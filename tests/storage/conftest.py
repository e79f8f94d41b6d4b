import pytest

from nightshift.settings import TableSettings
from nightshift.storage.database import Database
from support.aws_tables import Stack, stack

__all__ = ["stack"]


@pytest.fixture
def database(stack: Stack) -> Database:
    return Database.connect(TableSettings.from_environment(stack.environment("QueueRunnerFunction")))
