"""The AWS clients of a function, made at first use and kept for all its invocations. Threads may share them."""

from functools import cache
from typing import TYPE_CHECKING, Any, cast

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

CONFIG = Config(
    # Ten conversations of one invocation call at once, each with its heartbeat beside it.
    max_pool_connections=25,
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 5},
)


INVOKE_TIMEOUT_SECONDS = 200
"""Longer than tool_sandbox may take (template.yaml)."""

INVOKE_CONFIG = Config(
    max_pool_connections=25,
    connect_timeout=2,
    # No retries: an answer that was lost does not say that nothing was done.
    read_timeout=INVOKE_TIMEOUT_SECONDS,
    tcp_keepalive=True,
    retries={"mode": "standard", "total_max_attempts": 1},
)


@cache
def _client(service: str, config: Config = CONFIG) -> Any:
    return boto3.client(service, config=config)  # type: ignore[call-overload]  # one home for all services


def dynamodb() -> "DynamoDBClient":
    return cast("DynamoDBClient", _client("dynamodb"))


def s3() -> "S3Client":
    return cast("S3Client", _client("s3"))


def sqs() -> "SQSClient":
    return cast("SQSClient", _client("sqs"))


def stepfunctions() -> "SFNClient":
    return cast("SFNClient", _client("stepfunctions"))


def functions() -> Any:
    """Return the client that invokes functions."""
    return _client("lambda", INVOKE_CONFIG)
