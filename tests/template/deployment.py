"""Questions about an expanded template."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

type Json = dict[str, Any]

_STATE_MACHINE: Final = re.compile(r".*:stateMachine:\$\{AWS::StackName\}-(\w+)")
_SUBSTITUTED: Final = re.compile(r"\$\{(\w+)[\w.]*\}(:live)?")


@dataclass(frozen=True, slots=True, order=True)
class Permission:
    """One action on one resource.

    Attributes:
        resource: logical id, with what follows it in an ARN: `RunsTable/index/by_due`; else the ARN itself.
    """

    action: str
    resource: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """The resources that CloudFormation creates, by logical id."""

    resources: Mapping[str, Json]

    def of_type(self, kind: str) -> dict[str, Json]:
        """Return the properties of all resources of a type."""
        return {name: found["Properties"] for name, found in self.resources.items() if found["Type"] == kind}

    @property
    def functions(self) -> dict[str, Json]:
        return self.of_type("AWS::Lambda::Function")

    def variables_of(self, function: str) -> Json:
        """Return the function's environment."""
        variables: Json = self.functions[function].get("Environment", {}).get("Variables", {})
        return variables

    def role_of(self, function: str) -> str:
        """Return the logical id of the function's role."""
        role: str = self.functions[function]["Role"]["Fn::GetAtt"][0]
        return role

    def granted(self, role: str) -> Iterator[Permission]:
        """Yield what the template itself grants a role, without what comes with managed policies."""
        for policy in self.resources[role]["Properties"].get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                assert statement["Effect"] == "Allow"
                for action in _as_list(statement["Action"]):
                    for resource in _as_list(statement["Resource"]):
                        yield Permission(action, name_of(resource))

    def sources_of(self, function: str) -> list[Json]:
        """Return the event source mappings that invoke a function's alias."""
        mappings = self.of_type("AWS::Lambda::EventSourceMapping").values()
        return [mapping for mapping in mappings if name_of(mapping["FunctionName"]) == f"{function}:live"]


def name_of(resource: Any) -> str:
    """Return a short name for what a policy or a property refers to; of a function's alias `XFunction:live`."""
    match resource:
        case {"Ref": name} | {"Fn::GetAtt": [name, _]}:
            return str(name).replace("FunctionAliaslive", "Function:live")
        case {"Fn::Sub": str(text)}:
            if machine := _STATE_MACHINE.fullmatch(text):
                return machine[1]
            return text.replace("${", "").replace(".Arn}", "").replace("}", "")
        case _:
            return str(resource)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a resource refers to.

    Attributes:
        qualifier: `:live` where that follows the ARN of a function.
    """

    logical_id: str
    qualifier: str = ""

    @property
    def name(self) -> str:
        """What is meant, in the words of `name_of`."""
        return f"{name_of({'Ref': self.logical_id})}{self.qualifier}"


def references(node: Any) -> Iterator[Reference]:
    """Yield every reference within a resource."""
    match node:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            yield Reference(name)
        case {"Fn::Sub": str(text)} | {"Fn::Sub": [str(text), _]}:
            yield from (Reference(*found) for found in _SUBSTITUTED.findall(text))
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for one in inner:
        yield from references(one)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
