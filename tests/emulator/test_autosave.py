"""Probes autosave: what is left after a kill."""

import time

from embedded_aws import EmbeddedAws, Resource, function, wait_until

CORRECTION = "autosave"
SAVED_AFTER_SECONDS = 1.5
"""Several times the interval that the fixture sets."""


def test_tables_queues_functions_and_stacks_survive_a_kill(aws_to_restart: EmbeddedAws, stack_name: str) -> None:
    aws = aws_to_restart
    table = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    rule = {
        "ScheduleExpression": "rate(1 minute)",
        "Targets": [{"Id": "one", "Arn": {"Fn::GetAtt": ["Works", "Arn"]}}],
    }
    resources: dict[str, Resource] = {
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": table},
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Works": function("def handler(event, context): return 'works'"),
        "Rule": {"Type": "AWS::Events::Rule", "Properties": rule},
    }
    outputs = aws.deploy(stack_name, resources)
    aws.client("dynamodb").put_item(TableName=outputs["Table"], Item={"id": {"S": "kept"}})
    aws.client("sqs").send_message(QueueUrl=outputs["Queue"], MessageBody="kept")
    time.sleep(SAVED_AFTER_SECONDS)
    aws.kill()
    aws.start()
    item = aws.client("dynamodb").get_item(TableName=outputs["Table"], Key={"id": {"S": "kept"}})
    assert item["Item"] == {"id": {"S": "kept"}}
    assert aws.client("sqs").receive_message(QueueUrl=outputs["Queue"])["Messages"][0]["Body"] == "kept"
    assert aws.invoke(outputs["Works"]) == "works"
    assert aws.client("events").list_rules()["Rules"][0]["Name"] == outputs["Rule"]
    stacks = aws.client("cloudformation").describe_stacks(StackName=stack_name)["Stacks"]
    assert stacks[0]["StackStatus"] == "CREATE_COMPLETE"


def test_idle_emulator_writes_nothing(aws_to_restart: EmbeddedAws) -> None:
    aws = aws_to_restart
    aws.client("sqs").create_queue(QueueName="one")
    saved = aws.home / "state" / "sqs.json"
    wait_until(saved.exists, "the state is saved")
    time.sleep(SAVED_AFTER_SECONDS)
    before = saved.stat().st_mtime_ns
    time.sleep(SAVED_AFTER_SECONDS)
    assert saved.stat().st_mtime_ns == before
