"""The stack that a command works on: the one of ``make up``, or one in an AWS account by its name."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3


class StackNotFoundError(Exception):
    """There is no such stack; says what to do."""


@dataclass(frozen=True, slots=True)
class ConnectedStack:
    """A session and the outputs of template.yaml."""

    session: boto3.Session
    endpoint_url: str | None
    outputs: dict[str, str]

    @classmethod
    def local(cls, home: Path) -> Self:
        """Take the stack that ``make up`` left in this home.

        Raises:
            StackNotFoundError: there is none.
        """
        try:
            said = json.loads((home / "stack.json").read_text())
        except FileNotFoundError as error:
            raise StackNotFoundError(f"no stack in {home}: `make up`, or STACK_NAME=name for one in AWS") from error
        session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test", region_name=said["region"])
        return cls(session, said["aws_endpoint_url"], said["outputs"])

    @classmethod
    def in_aws(cls, name: str) -> Self:
        """Take the stack of this name in the account and region that the AWS CLI would use.

        Raises:
            StackNotFoundError: it has no outputs.
        """
        session = boto3.Session()
        (found,) = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        outputs = {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())}
        if not outputs:
            raise StackNotFoundError(f"the stack {name} is not deployed completely: it has no outputs")
        return cls(session, None, outputs)

    def client(self, service: str) -> Any:
        return self.session.client(service, endpoint_url=self.endpoint_url)  # type: ignore[call-overload]  # one call for all services
