"""How a release takes over: everything goes through aliases, and alarms look at the new versions alone."""

from graphlib import TopologicalSorter
from typing import Any

import pytest

from template.deployment import Deployment, name_of, references
from template.expand import PARAMETERS
from template.function_code import FUNCTIONS, code_of_function, names_in

type Json = dict[str, Any]

NAMES_A_FUNCTION = {
    "AWS::Lambda::Version": "is a version of it",
    "AWS::Lambda::Alias": "is its alias",
    "AWS::CloudWatch::Alarm": "watches its metrics",
    "AWS::CloudFormation::Stack": "watches its metrics",
}
"""Types of resources that rightly refer to a function itself."""


def test_whoever_invokes_a_function_invokes_its_alias(deployment: Deployment) -> None:
    invoked = invoked_by_kind(deployment)
    assert {name for _, name in invoked} == {f"{function}:live" for function in FUNCTIONS}
    # Guards the line above: every kind of reference is seen.
    kinds = {"Api", "EventSourceMapping", "Function", "Permission", "Role", "Rule", "StateMachine"}
    assert {kind for kind, _ in invoked} == kinds


@pytest.mark.parametrize("function", FUNCTIONS)
def test_new_version_takes_over_gradually_unless_its_own_alarm_says_no(function: str, deployment: Deployment) -> None:
    alias = deployment.resources[f"{function}Aliaslive"]
    group = f"{function}DeploymentGroup"
    assert alias["Properties"]["Name"] == "live"
    assert alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]["DeploymentGroupName"] == {"Ref": group}
    properties = deployment.of_type("AWS::CodeDeploy::DeploymentGroup")[group]
    _, watched, _ = properties["AlarmConfiguration"]["Fn::If"]
    assert watched == {"Enabled": True, "Alarms": [{"Name": {"Ref": rollback_alarm(function)}}]}
    assert "DEPLOYMENT_STOP_ON_ALARM" in properties["AutoRollbackConfiguration"]["Events"]
    assert properties["DeploymentConfigName"]["Fn::Sub"][1] == {"ConfigName": PARAMETERS["DeploymentPreference"]}
    assert name_of(properties["ServiceRoleArn"]) == "CodeDeployRole"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_alarm_watches_the_new_version_alone(function: str, template: Json, deployment: Deployment) -> None:
    alarm = deployment.of_type("AWS::CloudWatch::Alarm")[rollback_alarm(function)]
    version = deployment.resources[f"{function}Aliaslive"]["Properties"]["FunctionVersion"]
    found = {metric["MetricName"]: dimensions(metric) for metric in metrics(alarm)}
    own_failures = {
        "service": {"Ref": "AWS::StackName"},
        "function_name": {"Ref": function},
        "function_version": version,
    }
    by_lambda = {
        "FunctionName": {"Ref": function},
        "Resource": {"Fn::Sub": f"${{{function}}}:live"},
        "ExecutedVersion": version,
    }
    assert found["Errors"] == by_lambda
    assert found.get("Invocations", by_lambda) == by_lambda
    assert found.get("Bugs") == (own_failures if answers_for_its_bugs(function, template) else None)
    assert alarm["TreatMissingData"] == "notBreaching", "a version without traffic is none that fails"


def test_every_function_gets_a_new_version_with_every_release(deployment: Deployment, next_release: Deployment) -> None:
    """Whatever changed, be it a layer or a parameter alone. Lambda publishes what differs: the description does."""
    for function in FUNCTIONS:
        before, after = (
            (released.resources[f"{function}Aliaslive"]["Properties"]["FunctionVersion"], released.functions[function])
            for released in (deployment, next_release)
        )
        assert before[0] != after[0], function
        assert before[1]["Description"] != after[1]["Description"], function


def test_at_once_needs_neither_codedeploy_nor_alarms(next_release: Deployment) -> None:
    kinds = {resource["Type"] for resource in next_release.resources.values()}
    assert {kind for kind in kinds if kind.startswith("AWS::CodeDeploy")} == set()
    assert not any("UpdatePolicy" in resource for resource in next_release.resources.values())
    for alarm in map(rollback_alarm, FUNCTIONS):
        assert next_release.resources[alarm]["Condition"] == "IsGradual"


def test_every_preference_is_told_to_sam(template: Json) -> None:
    offered = template["Parameters"]["DeploymentPreference"]["AllowedValues"]
    answers = {name: told["Answer"] for name, told in template["Mappings"]["GoesThroughCodeDeploy"].items()}
    assert answers == {name: "false" if name == "AllAtOnce" else "true" for name in offered}


def test_no_resource_waits_for_itself(deployment: Deployment) -> None:
    """An alias waits for its deployment group, that for its alarm, that for the new version."""
    graph = {
        resource: {reference.logical_id for reference in references(described)} & deployment.resources.keys()
        for resource, described in deployment.resources.items()
    }
    order = list(TopologicalSorter(graph).static_order())
    for function in FUNCTIONS:
        assert order.index(rollback_alarm(function)) < order.index(f"{function}Aliaslive")


def invoked_by_kind(deployment: Deployment) -> set[tuple[str, str]]:
    """Return what is referred to of functions, with the kind of what refers to it."""
    return {
        (described["Type"].rpartition("::")[2], reference.name)
        for resource, described in deployment.resources.items()
        if described["Type"] not in NAMES_A_FUNCTION and resource != "CodeDeployRole"
        for reference in references(described)
        if reference.name.removesuffix(":live") in FUNCTIONS
    }


def rollback_alarm(function: str) -> str:
    return f"{function.removesuffix('Function')}Rollback"


def answers_for_its_bugs(function: str, template: Json) -> bool:
    """Whether the function catches errors that nobody expected, so that Lambda does not see them."""
    code = code_of_function(template, function)
    return any("executing_version" in names_in(module) for module in code.values())


def metrics(alarm: Json) -> list[Json]:
    if "Metrics" not in alarm:
        return [alarm]
    return [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]


def dimensions(metric: Json) -> Json:
    return {one["Name"]: one["Value"] for one in metric["Dimensions"]}
