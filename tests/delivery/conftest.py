"""Fixtures of the delivery tests: a stack in moto, its database, and a receiver on 127.0.0.1."""

import pytest

from nightshift.settings import TableSettings
from nightshift.storage.database import Database
from support.aws_tables import Stack, stack

__all__ = ["stack"]


@pytest.fixture
def database(stack: Stack) -> Database:
    return Database.connect(TableSettings.from_environment(stack.environment("QueueDeliveryFunction")))
