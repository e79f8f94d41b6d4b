"""Probes mapping_numbers: a number of a mapping that comes from a parameter."""

from pathlib import Path

from embedded_aws import RECORD, EmbeddedAws, function, recorded, wait_until

CORRECTION = "mapping_numbers"


def test_concurrency_from_a_parameter_is_a_number(aws: EmbeddedAws, stack_name: str, records: Path) -> None:
    consumer = RECORD + "def handler(event, context): record(len(event['Records']))"
    mapping = {
        "EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]},
        "FunctionName": {"Ref": "Consumer"},
        "ScalingConfig": {"MaximumConcurrency": {"Ref": "Concurrency"}},
    }
    resources = {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Consumer": function(consumer, RECORDS=str(records)),
        "Mapping": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
    }
    outputs = aws.deploy(stack_name, resources, Parameters={"Concurrency": {"Type": "Number", "Default": 3}})
    aws.client("sqs").send_message(QueueUrl=outputs["Queue"], MessageBody="hello")
    assert wait_until(lambda: recorded(records), "the message is consumed") == [1]
