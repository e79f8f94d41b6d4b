"""Probes iam_actions: the actions that Bedrock's Converse and the batch operations of SQS need."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from embedded_aws import EmbeddedAws

CORRECTION = "iam_actions"
MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": [{"text": "hello"}]}]
MODEL = "amazon.nova-lite-v1:0"


def test_invoke_model_allows_converse(aws: EmbeddedAws, stack_name: str) -> None:
    bedrock = aws.client("bedrock-runtime", **user_allowed(aws, stack_name, "bedrock:InvokeModel"))
    assert bedrock.converse(modelId=MODEL, messages=MESSAGES)["stopReason"] == "end_turn"


@pytest.mark.both_ways
def test_other_action_does_not_allow_converse(aws: EmbeddedAws, stack_name: str) -> None:
    bedrock = aws.client("bedrock-runtime", **user_allowed(aws, stack_name, "bedrock:ListFoundationModels"))
    with pytest.raises(ClientError, match="AccessDenied"):
        bedrock.converse(modelId=MODEL, messages=MESSAGES)


def test_send_message_allows_a_batch(aws: EmbeddedAws, stack_name: str) -> None:
    queue_url = aws.client("sqs").create_queue(QueueName=stack_name)["QueueUrl"]
    sqs = aws.client("sqs", **user_allowed(aws, stack_name, "sqs:SendMessage"))
    answer = sqs.send_message_batch(QueueUrl=queue_url, Entries=[{"Id": "1", "MessageBody": "hello"}])
    assert [entry["Id"] for entry in answer["Successful"]] == ["1"]


def user_allowed(aws: EmbeddedAws, user: str, action: str) -> dict[str, str]:
    """The credentials of a user who may do one thing, as options of a client."""
    iam = aws.client("iam")
    iam.create_user(UserName=user)
    statement = {"Effect": "Allow", "Action": action, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=user, PolicyName="one", PolicyDocument=document)
    key = iam.create_access_key(UserName=user)["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
