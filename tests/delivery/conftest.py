"""Fixtures of the delivery tests: a stack in moto, its database, and a receiver on 127.0.0.1."""

from collections.abc import Iterator

import pytest

from nightshift.settings import TableSettings
from nightshift.storage.database import Database
from support.aws_tables import Stack, stack
from support.receiver import Receiver, running_receiver

__all__ = ["stack"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with running_receiver() as running:
        yield running


@pytest.fixture
def database(stack: Stack) -> Database:
    return Database.connect(TableSettings.from_environment(stack.environment("QueueDeliveryFunction")))
