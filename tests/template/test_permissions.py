"""Least privilege: one role per function, granted what its code uses and nothing else."""

from typing import Any

import pytest

from template.deployment import Deployment, Permission, name_of
from template.function_code import FUNCTIONS, code_of_function
from template.used_permissions import BEDROCK, permissions_used

WILDCARDS = {
    **dict.fromkeys(BEDROCK, "which model an agent uses is its owner's choice, and a profile spans regions"),
    **{
        Permission(f"s3:{action}", "PayloadBucket/*"): "objects are named for the items that refer to them"
        for action in ("PutObject", "GetObject", "GetObjectTagging", "PutObjectTagging", "DeleteObject")
    },
    Permission("dynamodb:ListStreams", "RunsTable/stream/*"): "a stream's ARN has the time of its making",
    Permission(
        "cloudwatch:DescribeAlarms", "arn:AWS::Partition:cloudwatch:AWS::Region:AWS::AccountId:alarm:*"
    ): "alarms are listed, and a list has no names",
}
"""Grants with a wildcard in their resource, with the reason."""


MANAGED = "AWSXrayWriteOnlyAccess"
"""The one managed policy: X-Ray knows no resources to limit it to."""

ASSUMED_BY = {"LongRunRole": "states.amazonaws.com", "CodeDeployRole": "codedeploy.amazonaws.com"}
"""Roles of other services than Lambda."""


def permissions_of_lambda(function: str, deployment: Deployment) -> set[Permission]:
    """Return what Lambda does with the function's role: it writes the log, and reads what its events come from."""
    log = name_of(deployment.functions[function]["LoggingConfig"]["LogGroup"])
    used = {Permission("logs:CreateLogStream", log), Permission("logs:PutLogEvents", log)}
    for mapping in deployment.sources_of(function):
        source = name_of(mapping["EventSourceArn"])
        if mapping["EventSourceArn"]["Fn::GetAtt"][1] == "StreamArn":
            used |= {
                Permission(f"dynamodb:{name}", source) for name in ("DescribeStream", "GetRecords", "GetShardIterator")
            }
            used.add(Permission("dynamodb:ListStreams", f"{source}/stream/*"))
        else:
            used |= {
                Permission(f"sqs:{name}", source) for name in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
            }
    return used


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_is_granted_exactly_what_it_uses(
    function: str, template: dict[str, Any], deployment: Deployment
) -> None:
    of_code = permissions_used(code_of_function(template, function), deployment.variables_of(function))
    used = of_code | permissions_of_lambda(function, deployment)
    granted = frozenset(deployment.granted(deployment.role_of(function)))
    assert sorted(granted - used) == [], "granted and not used"
    assert sorted(used - granted) == [], "used and not granted"


def test_role_of_user_code_can_do_nothing_but_write_its_log(deployment: Deployment) -> None:
    assert deployment.role_of("ToolSandboxFunction") == "ToolSandboxRole"
    role = deployment.of_type("AWS::IAM::Role")["ToolSandboxRole"]
    assert "ManagedPolicyArns" not in role
    assert set(deployment.granted("ToolSandboxRole")) == permissions_of_lambda("ToolSandboxFunction", deployment)


def test_every_function_has_a_role_of_its_own(deployment: Deployment) -> None:
    assert sorted(deployment.functions) == FUNCTIONS
    assert len({deployment.role_of(function) for function in FUNCTIONS}) == len(FUNCTIONS)


def test_state_machine_may_invoke_its_function_alone(deployment: Deployment) -> None:
    (machine,) = deployment.of_type("AWS::StepFunctions::StateMachine").values()
    granted = set(deployment.granted(machine["RoleArn"]["Fn::GetAtt"][0]))
    assert granted == {Permission("lambda:InvokeFunction", "WorkflowSliceFunction:live")}


def test_deployments_may_move_traffic_between_versions_and_nothing_else(deployment: Deployment) -> None:
    assert "ManagedPolicyArns" not in deployment.of_type("AWS::IAM::Role")["CodeDeployRole"]
    moving = ("lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig")
    of_functions = {
        Permission(action, name)
        for action in moving
        for function in FUNCTIONS
        for name in (function, f"{function}:live")
    }
    of_alarms = {permission for permission in WILDCARDS if permission.action == "cloudwatch:DescribeAlarms"}
    assert set(deployment.granted("CodeDeployRole")) == of_functions | of_alarms


def test_roles_are_those_of_the_functions_the_state_machine_and_deployments(deployment: Deployment) -> None:
    roles = {deployment.role_of(function) for function in FUNCTIONS} | {"LongRunRole", "CodeDeployRole"}
    assert deployment.of_type("AWS::IAM::Role").keys() == roles


def test_no_action_is_a_wildcard_and_every_wildcard_resource_has_a_reason(deployment: Deployment) -> None:
    for role in deployment.of_type("AWS::IAM::Role"):
        for permission in deployment.granted(role):
            assert "*" not in permission.action, f"{role}: {permission}"
            assert "*" not in permission.resource or permission in WILDCARDS, f"{role}: {permission}"


def test_only_tracing_is_a_managed_policy(deployment: Deployment) -> None:
    for role, properties in deployment.of_type("AWS::IAM::Role").items():
        attached = [name_of(arn).rpartition("/")[2] for arn in properties.get("ManagedPolicyArns", ())]
        assert attached == [MANAGED] * len(attached), role


def test_role_is_assumed_by_the_one_service_it_is_for(deployment: Deployment) -> None:
    for role, properties in deployment.of_type("AWS::IAM::Role").items():
        (statement,) = properties["AssumeRolePolicyDocument"]["Statement"]
        service = ASSUMED_BY.get(role, "lambda.amazonaws.com")
        assert statement["Principal"] == {"Service": [service]}, role
