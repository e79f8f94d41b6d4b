"""What a function's code may ask AWS for, found in the code itself.

    aggregate.method(…)    in intake, execution, delivery, recovery or the handler, with the aggregate by its usual name
    └─ storage/<aggregate>.py says what the method does: Put, Update and Delete, calls of `dynamo` and of `payloads`

A queue, a secret and the state machine are used by whoever reads the variable that names them; models by whoever asks
the registry for one. It can't see through other names, nor tell which branch is taken: it finds what the code may do.
"""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from template.deployment import Permission, name_of
from template.function_code import LAYER, Modules, names_in
from template.settings_read import variables_read

TABLES: Final = {
    "agents": "AgentsTable",
    "blocks": "AgentsTable",
    "tools": "AgentsTable",
    "conversations": "ConversationsTable",
    "runs": "RunsTable",
    "deliveries": "RunsTable",
    "steps": "RunsTable",
    "idempotency": "RunsTable",
    "descriptions": "AgentsTable",
    "outputs": "RunsTable",
    "messages": "MessagesTable",
    "passages": "MessagesTable",
    "mcp_servers": "AgentsTable",
    "pauses": "AgentsTable",
    "payload_objects": "AgentsTable",
}
"""Aggregate, as its modules and the fields of `Database` are called, to the table it lives in."""

_DYNAMODB: Final = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "Check": "ConditionCheckItem",
    "dynamo.get": "GetItem",
    "dynamo.get_many": "BatchGetItem",
    "dynamo.query": "Query",
    "dynamo.query_all": "Query",
    "dynamo.delete_many": "BatchWriteItem",
}
_S3: Final = {
    "payloads.pack": Permission("s3:PutObject", "PayloadBucket/*"),
    "payloads.unpack": Permission("s3:GetObject", "PayloadBucket/*"),
    "client.list_objects_v2": Permission("s3:ListBucket", "PayloadBucket"),
    "client.get_object_tagging": Permission("s3:GetObjectTagging", "PayloadBucket/*"),
    "client.put_object_tagging": Permission("s3:PutObjectTagging", "PayloadBucket/*"),
    "client.delete_object": Permission("s3:DeleteObject", "PayloadBucket/*"),
}

_BY_VARIABLE: Final = {
    "_QUEUE_URL": "sqs:SendMessage",
    "_SECRET_ARN": "secretsmanager:GetSecretValue",
    "LONG_RUN_ARN": "states:StartExecution",
    "TOOL_SANDBOX_ARN": "lambda:InvokeFunction",
}
"""End of a variable's name to what is done with the resource it names."""

BEDROCK: Final = frozenset(
    {
        Permission("bedrock:InvokeModel", "arn:AWS::Partition:bedrock:*::foundation-model/*"),
        Permission("bedrock:InvokeModel", "arn:AWS::Partition:bedrock:*:AWS::AccountId:inference-profile/*"),
    }
)


def permissions_used(code: Modules, environment: Mapping[str, Any]) -> frozenset[Permission]:
    """Return what a function with this code and this environment may ask for."""
    used = set(_by_variable(variables_read(code).all, environment))
    used |= {permission for aggregate, method in _methods_called(code) for permission in _does(aggregate, method)}
    if any("model_for" in names_in(module) for name, module in code.items() if name != "nightshift.models.registry"):
        used |= BEDROCK
    return frozenset(used)


def _by_variable(names: frozenset[str], environment: Mapping[str, Any]) -> Iterator[Permission]:
    for name in names & environment.keys():
        for ending, action in _BY_VARIABLE.items():
            if name.endswith(ending):
                yield Permission(action, name_of(environment[name]))


def _methods_called(code: Modules) -> set[tuple[str, str]]:
    """Return every `aggregate.method` outside storage; a method that is only handed on counts as called."""
    modules = [module for name, module in code.items() if not name.startswith("nightshift.storage.")]
    dotted = (_dotted(node).partition(".") for module in modules for node in ast.walk(module))
    return {(owner, method) for owner, _, method in dotted if owner in TABLES and method in _methods(owner)}


@cache
def _does(aggregate: str, method: str) -> frozenset[Permission]:
    found: set[Permission] = set()
    body = _methods(aggregate)[method]
    for node in ast.walk(body):
        name = node.id if isinstance(node, ast.Name) else _dotted(node)
        if name in _DYNAMODB:
            found |= {Permission(f"dynamodb:{_DYNAMODB[name]}", where) for where in _where(aggregate, name, body)}
        elif name in _S3:
            found.add(_S3[name])
        elif name.startswith("self.") and (other := name.removeprefix("self.")) in _methods(aggregate):
            found |= _does(aggregate, other)
    return frozenset(found)


def _where(aggregate: str, name: str, body: ast.AST) -> list[str]:
    """Return the table, those that this method names, or the indexes that a query of it may go to."""
    table = TABLES[aggregate]
    attributes = [node.attr for node in ast.walk(body) if isinstance(node, ast.Attribute)]
    if tables := [name.removesuffix("_table").title() + "Table" for name in attributes if name.endswith("_table")]:
        return tables
    strings = [node.value for node in ast.walk(body) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    indexes = [text for text in strings if text.startswith("by_")] if name.startswith("dynamo.query") else []
    return [f"{table}/index/{index}" for index in indexes] or [table]


@cache
def _methods(aggregate: str) -> dict[str, ast.FunctionDef]:
    own, shared = _classes(aggregate), _classes("listed")
    found = own[aggregate.replace("_", "")]
    bases = [shared[name.lower()] for base in found.bases for name in names_in(base) if name.lower() in shared]
    return {node.name: node for one in (*bases, found) for node in one.body if isinstance(node, ast.FunctionDef)}


def _classes(storage_module: str) -> dict[str, ast.ClassDef]:
    module = ast.parse((LAYER / "nightshift" / "storage" / f"{storage_module}.py").read_text())
    return {node.name.lower(): node for node in module.body if isinstance(node, ast.ClassDef)}


def _dotted(node: ast.AST) -> str:
    """Return the last two names of `a.b.c`, without leading underscores of the owner: `b.c`; else nothing."""
    match node:
        case ast.Attribute(value=ast.Name(owner) | ast.Attribute(attr=owner), attr=name):
            return f"{owner.lstrip('_')}.{name}"
        case _:
            return ""
