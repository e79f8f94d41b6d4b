"""Executions of the LongRun state machine, for runs that outlive a slice."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from nightshift.domain.errors import TransientError

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient


@dataclass(frozen=True, slots=True)
class LongRuns:
    """The state machine."""

    client: "SFNClient"
    state_machine_arn: str

    def start(self, name: str, state: dict[str, Any]) -> None:
        """Start an execution; a second one of the same name is harmless, since it is refused.

        Raises:
            TransientError: it could not be started.
        """
        try:
            self.client.start_execution(stateMachineArn=self.state_machine_arn, name=name, input=json.dumps(state))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise TransientError(f"the state machine did not start {name}: {error}") from error
        except BotoCoreError as error:
            raise TransientError(f"the state machine did not start {name}: {error}") from error
