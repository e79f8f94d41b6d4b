"""Least privilege: one role per function, granted what its code uses and nothing else."""

from typing import Any

import pytest

from template.deployment import Deployment, Permission
from template.function_code import FUNCTIONS, code_of_function
from template.used_permissions import BEDROCK, permissions_used

MANAGED = {
    "AWSLambdaBasicExecutionRole": "writes the function's log; SAM gives it to every function",
    "AWSLambdaSQSQueueExecutionRole": "takes messages off a queue; SAM gives it to a function with such an event",
    "AWSXrayWriteOnlyAccess": "sends traces; X-Ray knows no resources to limit that to",
    "AWSLambdaDynamoDBExecutionRole": "reads a table's stream; SAM gives it to a function with such an event",
}
"""Managed policies that SAM attaches, and what for. They name no resource, which only hand-written roles could mend."""

WILDCARDS = {
    **dict.fromkeys(BEDROCK, "which model an agent uses is its owner's choice, and a profile spans regions"),
    **{
        Permission(f"s3:{action}", "PayloadBucket/*"): "objects are named for the items that refer to them"
        for action in ("PutObject", "GetObject", "GetObjectTagging", "PutObjectTagging", "DeleteObject")
    },
    Permission(
        "cloudwatch:DescribeAlarms", "arn:AWS::Partition:cloudwatch:AWS::Region:AWS::AccountId:alarm:*"
    ): "alarms are listed, and a list has no names",
}
"""Grants with a wildcard in their resource, with the reason."""


WRITES_ITS_LOG = {
    "ToolSandboxFunction": {
        Permission("logs:CreateLogStream", "ToolSandboxLogs"),
        Permission("logs:PutLogEvents", "ToolSandboxLogs"),
    }
}
"""Grants in the place of AWSLambdaBasicExecutionRole, which lets a function write to every log of the account."""


ASSUMED_BY = {"LongRunRole": "states.amazonaws.com", "CodeDeployRole": "codedeploy.amazonaws.com"}
"""Roles of other services than Lambda."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_is_granted_exactly_what_its_code_uses(
    function: str, template: dict[str, Any], deployment: Deployment
) -> None:
    environment = deployment.variables_of(function)
    used = permissions_used(code_of_function(template, function), environment) | WRITES_ITS_LOG.get(function, set())
    granted = frozenset(deployment.granted(deployment.role_of(function)))
    assert sorted(granted - used) == [], "granted and not used"
    assert sorted(used - granted) == [], "used and not granted"


def test_role_of_user_code_can_do_nothing_but_write_its_log(deployment: Deployment) -> None:
    assert deployment.role_of("ToolSandboxFunction") == "ToolSandboxRole"
    role = deployment.of_type("AWS::IAM::Role")["ToolSandboxRole"]
    assert "ManagedPolicyArns" not in role
    assert set(deployment.granted("ToolSandboxRole")) == WRITES_ITS_LOG["ToolSandboxFunction"]


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


def test_managed_policies_are_those_that_sam_attaches(deployment: Deployment) -> None:
    for role, properties in deployment.of_type("AWS::IAM::Role").items():
        attached = {arn.rpartition("/")[2] for arn in properties.get("ManagedPolicyArns", ())}
        assert attached <= MANAGED.keys(), role


def test_role_is_assumed_by_the_one_service_it_is_for(deployment: Deployment) -> None:
    for role, properties in deployment.of_type("AWS::IAM::Role").items():
        (statement,) = properties["AssumeRolePolicyDocument"]["Statement"]
        service = ASSUMED_BY.get(role, "lambda.amazonaws.com")
        assert statement["Principal"] == {"Service": [service]}, role
