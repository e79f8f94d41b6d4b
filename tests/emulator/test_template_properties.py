"""Probes template_properties: time to live of a table, limits of a function."""

from embedded_aws import EmbeddedAws, function

CORRECTION = "template_properties"


def test_time_to_live_is_enabled(aws: EmbeddedAws, stack_name: str) -> None:
    table = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
    }
    name = aws.deploy(stack_name, {"Table": {"Type": "AWS::DynamoDB::Table", "Properties": table}})["Table"]
    described = aws.client("dynamodb").describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}


def test_reserved_concurrency_limits(aws: EmbeddedAws, stack_name: str) -> None:
    limited = function("def handler(event, context): return 1")
    limited["Properties"]["ReservedConcurrentExecutions"] = 0
    name = aws.deploy(stack_name, {"Limited": limited})["Limited"]
    assert aws.client("lambda").get_function_concurrency(FunctionName=name)["ReservedConcurrentExecutions"] == 0


def test_recursive_loop_is_allowed(aws: EmbeddedAws, stack_name: str) -> None:
    looping = function("def handler(event, context): return 1")
    looping["Properties"]["RecursiveLoop"] = "Allow"
    name = aws.deploy(stack_name, {"Looping": looping})["Looping"]
    assert aws.client("lambda").get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"
