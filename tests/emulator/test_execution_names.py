"""Probes execution_names: a second start of an execution under its name."""

import json

import pytest
from embedded_aws import ROLE, EmbeddedAws

CORRECTION = "execution_names"
WAITS = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 10, "End": True}}}


def test_same_name_and_input_answer_with_the_running_execution(aws: EmbeddedAws, stack_name: str) -> None:
    machine = deploy_machine(aws, stack_name)
    step_functions = aws.client("stepfunctions")
    first = step_functions.start_execution(stateMachineArn=machine, name="run-1", input='{"run": 1}')
    second = step_functions.start_execution(stateMachineArn=machine, name="run-1", input='{"run": 1}')
    assert second["executionArn"] == first["executionArn"]


@pytest.mark.both_ways
def test_other_input_is_refused(aws: EmbeddedAws, stack_name: str) -> None:
    machine = deploy_machine(aws, stack_name)
    step_functions = aws.client("stepfunctions")
    step_functions.start_execution(stateMachineArn=machine, name="run-2", input='{"run": 2}')
    with pytest.raises(step_functions.exceptions.ExecutionAlreadyExists):
        step_functions.start_execution(stateMachineArn=machine, name="run-2", input='{"run": 3}')


def deploy_machine(aws: EmbeddedAws, stack_name: str) -> str:
    machine = {"RoleArn": ROLE, "DefinitionString": json.dumps(WAITS)}
    resources = {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine}}
    return aws.deploy(stack_name, resources)["Machine"]
