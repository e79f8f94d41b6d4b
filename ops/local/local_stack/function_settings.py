"""What `sam local` needs to know of the running stack: the functions' variables, and a template that has them all."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

from local_stack.builds import BUILT_TEMPLATE
from local_stack.deployment import stack_name
from local_stack.settings import ROOT, Settings

LOCAL_TEMPLATE = BUILT_TEMPLATE.with_name("template-local.json")
"""Beside the build, whose folders it names."""

ENDPOINT = "AWS_ENDPOINT_URL"
"""Lambda sets it never, the embedded AWS always. `sam local` sets no variable that its template doesn't have."""


@dataclass(frozen=True, slots=True)
class LocalFunctions:
    """The files for `sam local`.

    Attributes:
        variables: local-env.json: the variables of every function that has any, by logical id.
        tenant_isolated: logical ids of the functions that are invoked for a tenant only.
    """

    template: Path
    variables: Path
    tenant_isolated: frozenset[str]


def function_names() -> list[str]:
    """Return the names of the folders of functions/."""
    return sorted(path.name for path in (ROOT / "functions").iterdir() if path.is_dir())


def logical_id_of(function: str) -> str:
    """Return a function's name in template.yaml."""
    return f"{function.title().replace('_', '')}Function"


def write(settings: Settings, endpoint_url: str) -> LocalFunctions:
    """Write local-env.json into the stack's home, with the deployed values, and the template beside the build."""
    variables = {
        logical_id: {**deployed, ENDPOINT: endpoint_url}
        for logical_id, deployed in _deployed_variables(settings).items()
        if deployed
    }
    variables_file = settings.home / "local-env.json"
    variables_file.write_text(json.dumps(variables, indent=2))
    template = yaml_parse(BUILT_TEMPLATE.read_text())
    functions = {name: template["Resources"][logical_id_of(name)]["Properties"] for name in function_names()}
    for name, properties in functions.items():
        if logical_id_of(name) in variables:
            properties.setdefault("Environment", {}).setdefault("Variables", {})[ENDPOINT] = ""
    _point_authorizers_at_functions(template)
    LOCAL_TEMPLATE.write_text(json.dumps(template, default=str))
    isolated = {logical_id_of(name) for name, properties in functions.items() if "TenancyConfig" in properties}
    return LocalFunctions(LOCAL_TEMPLATE, variables_file, frozenset(isolated))


def _point_authorizers_at_functions(template: dict[str, Any]) -> None:
    """Leave out the aliases of authorizers: `sam local` finds the functions of routes behind theirs, but not these."""
    for authorizer in template["Resources"]["HttpApi"]["Properties"]["Auth"]["Authorizers"].values():
        function = authorizer["FunctionArn"]["Ref"].removesuffix(".Alias")
        authorizer["FunctionArn"] = {"Fn::GetAtt": [function, "Arn"]}


def _deployed_variables(settings: Settings) -> dict[str, dict[str, Any]]:
    functions = settings.client("lambda")
    pages = settings.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack_name())
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return {
        resource["LogicalResourceId"]: functions.get_function_configuration(FunctionName=resource["PhysicalResourceId"])
        .get("Environment", {})
        .get("Variables", {})
        for resource in resources
        if resource["ResourceType"] == "AWS::Lambda::Function"
    }
