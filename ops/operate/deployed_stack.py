"""What an operator's command works with: the tables and doorbells of a connected stack."""

import argparse
from functools import cached_property
from pathlib import Path
from typing import Self

from connected_stack import ConnectedStack, StackNotFoundError
from nightshift.settings import TableSettings
from nightshift.storage.database import Database
from nightshift.storage.doorbells import Doorbell
from nightshift.storage.dynamo import Dynamo
from nightshift.storage.payloads import Payloads


class OperationError(Exception):
    """The command can't be done; the message says what was expected, what was found and what to do."""


class DeployedStack:
    """A stack, for an operator who may do what its functions may."""

    def __init__(self, connected: ConnectedStack) -> None:
        self._connected = connected

    @classmethod
    def of_arguments(cls, arguments: argparse.Namespace) -> Self:
        """Find the stack that the operator names.

        Raises:
            OperationError: there is none.
        """
        try:
            named = arguments.stack
            return cls(ConnectedStack.in_aws(named) if named else ConnectedStack.local(arguments.home))
        except StackNotFoundError as error:
            raise OperationError(str(error)) from error

    @cached_property
    def database(self) -> Database:
        settings = TableSettings(
            payload_bucket=self._output("PayloadBucketName"),
            runs_table=self._output("RunsTableName"),
            messages_table=self._output("MessagesTableName"),
            agents_table=self._output("AgentsTableName"),
            conversations_table=self._output("ConversationsTableName"),
        )
        payloads = Payloads(self._connected.client("s3"), settings.payload_bucket)
        return Database(Dynamo(self._connected.client("dynamodb")), payloads, settings)

    @property
    def run_doorbell(self) -> Doorbell:
        return Doorbell(self._connected.client("sqs"), self._output("RunQueueUrl"))

    @property
    def callback_doorbell(self) -> Doorbell:
        return Doorbell(self._connected.client("sqs"), self._output("CallbackQueueUrl"))

    def _output(self, name: str) -> str:
        if name not in self._connected.outputs:
            raise OperationError(f"the stack has no output {name}: deploy this version first")
        return self._connected.outputs[name]


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """Return a parser with the arguments that name the stack."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", help="name of a CloudFormation stack (default: the local stack)")
    parser.add_argument("--home", type=Path, default=Path(".local"), help="home of the local stack (default: .local)")
    return parser
