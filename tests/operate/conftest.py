"""Operators' commands on the stack in moto: the outputs that template.yaml declares, resolved there."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest

from connected_stack import ConnectedStack
from deployed_stack import DeployedStack
from support.aws_tables import REGION, Stack
from support.lane_fixtures import lane, provider, stack

__all__ = ["lane", "provider", "stack"]

type Command = Callable[[list[str]], int]


@pytest.fixture(autouse=True)
def found(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> DeployedStack:
    """Let every command find the stack in moto."""
    declared: dict[str, Any] = stack.template["Outputs"]
    outputs = {
        name: stack.values[value["Ref"]]
        for name, output in declared.items()
        if isinstance(value := output["Value"], dict) and value.get("Ref") in stack.values
    }
    deployed = DeployedStack(ConnectedStack(boto3.Session(region_name=REGION), None, outputs))
    monkeypatch.setattr(DeployedStack, "of_arguments", classmethod(lambda _cls, _arguments: deployed))
    return deployed
