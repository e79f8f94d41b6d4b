"""The stack's state in moto: tables, queues, bucket and secrets exactly as template.yaml declares them.

Everything is read from the template, key schemas, indexes, streams and the functions' environment alike, so that tests
cannot pass on a stack that nobody deploys. `from support.aws_tables import stack` gives a test the fixture.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
import yaml  # type: ignore[import-untyped]  # it has no types
from botocore.client import BaseClient
from moto import mock_aws

from nightshift.storage import clients, secrets
from support.quick_moto import quicken

REGION: Final = "eu-central-1"
_PSEUDO_PARAMETERS: Final = {
    "AccountId": "123456789012",
    "Partition": "aws",
    "Region": REGION,
    "StackName": "nightshift",
}
TEMPLATE = Path(__file__).parents[2] / "template.yaml"

type Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call of an AWS API as botocore got it."""

    service: str
    operation: str
    parameters: Json


@dataclass(slots=True)
class Stack:
    """What was created, and every AWS call since.

    Attributes:
        values: what `!Ref` gives, by logical id: a table's name, a queue's URL, a secret's ARN, a parameter's default.
        arns: what `!GetAtt X.Arn` gives, by logical id.
        calls: grows by every call of product and test alike; `clear` it before what is to be counted.
    """

    template: Json
    values: dict[str, str] = field(default_factory=dict)
    arns: dict[str, str] = field(default_factory=dict)
    calls: list[ApiCall] = field(default_factory=list)

    def environment(self, function: str, **parameters: str) -> dict[str, str]:
        """Return what a function's environment is by the template, with other parameters than the defaults."""
        shared = self.template["Globals"]["Function"]
        own = self.template["Resources"][function]["Properties"]
        variables = shared["Environment"]["Variables"] | own["Environment"]["Variables"]
        variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = (shared | own)["MemorySize"]
        return {name: self._resolve(value, parameters) for name, value in variables.items()}

    def empty(self) -> None:
        """Begin anew: tables and their streams without an item, queues without a message, no object. Costs 20 ms."""
        self.calls.clear()
        for logical_id, resource in self.template["Resources"].items():
            match resource["Type"]:
                case "AWS::DynamoDB::Table":
                    client_of("dynamodb").delete_table(TableName=self.values[logical_id])
                    _create_table(self, logical_id, resource["Properties"])
                case "AWS::SQS::Queue":
                    client_of("sqs").delete_queue(QueueUrl=self.values[logical_id])
                    _create_queue(self, logical_id, resource["Properties"])
                case "AWS::S3::Bucket":
                    for key in self.objects():
                        client_of("s3").delete_object(Bucket=self.values[logical_id], Key=key)

    def objects(self) -> list[str]:
        """Return the keys of the payload bucket's objects, 1,000 at most."""
        found = client_of("s3").list_objects_v2(Bucket=self.values["PayloadBucket"])
        return [entry["Key"] for entry in found.get("Contents", [])]

    def _resolve(self, value: Any, parameters: dict[str, str]) -> str:
        if isinstance(value, dict) and "Ref" in value:
            logical_id = value["Ref"]
            return parameters.get(logical_id) or self.values.get(logical_id) or f"{logical_id}-is-not-in-moto"
        if isinstance(value, dict) and "Fn::Sub" in value:
            return re.sub(r"\$\{AWS::(\w+)\}", lambda found: _PSEUDO_PARAMETERS[found[1]], value["Fn::Sub"])
        return str(value)

    def messages(self, queue: str) -> list[Json]:
        """Take all messages that are visible in a queue."""
        client = client_of("sqs")
        taken: list[Any] = []
        while True:
            answer = client.receive_message(
                QueueUrl=self.values[queue], MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
            )
            if not answer.get("Messages"):
                return taken
            taken += answer["Messages"]

    def stream_records(self, table: str) -> list[Json]:
        """Return all records of a table's stream, as a function gets them."""
        client = client_of("dynamodbstreams")
        arn = client_of("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
        records: list[Any] = []
        for iterator in self.stream_iterators(table):
            records += client.get_records(ShardIterator=iterator)["Records"]
        return [{**record, "eventSourceARN": arn} for record in records]

    def stream_iterators(self, table: str) -> list[str]:
        """Return a position at the beginning of each shard of a table's stream."""
        client = client_of("dynamodbstreams")
        arn = client_of("dynamodb").describe_table(TableName=table)["Table"]["LatestStreamArn"]
        shards = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        return [
            client.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")[
                "ShardIterator"
            ]
            for shard in shards
        ]


@cache
def client_of(service: str) -> Any:
    """Return a client for tests to look with. Made once: moto stands in for a client in every later stack too."""
    # moto knows the streams by their former address only.
    address = f"https://streams.dynamodb.{REGION}.amazonaws.com" if service == "dynamodbstreams" else None
    return boto3.client(service, region_name=REGION, endpoint_url=address)  # type: ignore[call-overload]  # one call for all services


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Give an empty stack in moto, whose calls are counted and made one at a time."""
    with running_stack(monkeypatch) as running:
        yield running


@contextmanager
def running_stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Do what the fixture `stack` does, for as long as the block lasts."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        _forget_clients()
        created = create_stack()
        _watch_calls(created.calls, monkeypatch)
        yield created
        _forget_clients()


def create_stack() -> Stack:
    """Create the state that the template declares; to be called within `mock_aws`."""
    quicken()
    created = Stack(load_template())
    for name, parameter in created.template["Parameters"].items():
        created.values[name] = str(parameter.get("Default", ""))
    resources = created.template["Resources"].items()
    # Queues that others name as their dead-letter queue come first.
    for logical_id, resource in sorted(resources, key=lambda entry: "RedrivePolicy" in entry[1].get("Properties", {})):
        if create := _CREATORS.get(resource["Type"]):
            create(created, logical_id, resource["Properties"])
    return created


@cache
def load_template() -> Json:
    """Read template.yaml, once; `!Name value` becomes `{"Ref": value}` or `{"Fn::Name": value}`."""
    template: Json = yaml.load(TEMPLATE.read_text(), _TemplateLoader)  # noqa: S506 -- a SafeLoader with CloudFormation's tags
    return template


class _TemplateLoader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    pass


def _read_tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Json:
    match node:
        case yaml.ScalarNode():
            value: Any = loader.construct_scalar(node)
        case yaml.SequenceNode():
            value = loader.construct_sequence(node, deep=True)
        case _:
            value = loader.construct_mapping(node, deep=True)
    return {"Ref" if suffix == "Ref" else f"Fn::{suffix}": value}


_TemplateLoader.add_multi_constructor("!", _read_tag)


def _create_table(created: Stack, logical_id: str, properties: Json) -> None:
    described: Json = {
        name: properties[name]
        for name in ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "BillingMode")
        if name in properties
    }
    if stream := properties.get("StreamSpecification"):
        described["StreamSpecification"] = stream | {"StreamEnabled": True}
    client = client_of("dynamodb")
    answer = client.create_table(TableName=logical_id, **described)
    created.values[logical_id] = logical_id
    created.arns[logical_id] = answer["TableDescription"]["TableArn"]


def _create_queue(created: Stack, logical_id: str, properties: Json) -> None:
    attributes = {name: str(value) for name, value in properties.items() if name != "RedrivePolicy"}
    client = client_of("sqs")
    url = client.create_queue(QueueName=logical_id, Attributes=attributes)["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    created.values[logical_id], created.arns[logical_id] = url, arn


def _create_bucket(created: Stack, logical_id: str, _properties: Json) -> None:
    name = logical_id.lower()
    client_of("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    created.values[logical_id], created.arns[logical_id] = name, f"arn:aws:s3:::{name}"


def _create_secret(created: Stack, logical_id: str, properties: Json) -> None:
    text = properties.get("SecretString", f"value-of-{logical_id}")
    client = client_of("secretsmanager")
    arn = client.create_secret(Name=logical_id, SecretString=text)["ARN"]
    created.values[logical_id] = created.arns[logical_id] = arn


_CREATORS = {
    "AWS::DynamoDB::Table": _create_table,
    "AWS::SQS::Queue": _create_queue,
    "AWS::S3::Bucket": _create_bucket,
    "AWS::SecretsManager::Secret": _create_secret,
}


def _watch_calls(calls: list[ApiCall], monkeypatch: pytest.MonkeyPatch) -> None:
    """Note every call, and let one at a time through: DynamoDB writes are atomic, moto's are not between threads."""
    make_api_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]  # botocore's stubs leave it out
    one_at_a_time = threading.Lock()

    def make_watched_call(client: BaseClient, operation: str, parameters: Json) -> Any:
        with one_at_a_time:
            calls.append(ApiCall(client.meta.service_model.service_name, operation, parameters))
            return make_api_call(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", make_watched_call)


def _forget_clients() -> None:
    clients._client.cache_clear()
    secrets._provider.cache_clear()
