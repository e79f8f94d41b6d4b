"""The sweeper's state: a stack in moto."""

import pytest

from nightshift.settings import TableSettings
from nightshift.storage.database import Database
from support.aws_tables import Stack, stack

__all__ = ["stack"]


@pytest.fixture
def database(stack: Stack) -> Database:
    names = stack.values
    return Database.connect(
        TableSettings(
            payload_bucket=names["PayloadBucket"],
            runs_table=names["RunsTable"],
            messages_table=names["MessagesTable"],
            agents_table=names["AgentsTable"],
            conversations_table=names["ConversationsTable"],
        )
    )
