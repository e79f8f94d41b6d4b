"""Probes yaml_definitions: a state machine whose definition is YAML in S3, as SAM uploads it."""

from embedded_aws import ROLE, EmbeddedAws, wait_until

CORRECTION = "yaml_definitions"
PASSES = """
StartAt: Pass
States:
  Pass: {Type: Pass, Result: passed, End: true}
"""


def test_execution_of_a_yaml_definition_succeeds(aws: EmbeddedAws, stack_name: str) -> None:
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=stack_name)
    s3.put_object(Bucket=stack_name, Key="definition", Body=PASSES)
    machine = {"RoleArn": ROLE, "DefinitionS3Location": {"Bucket": stack_name, "Key": "definition"}}
    resources = {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": machine}}
    arn = aws.deploy(stack_name, resources)["Machine"]
    step_functions = aws.client("stepfunctions")
    execution = step_functions.start_execution(stateMachineArn=arn)["executionArn"]

    def ended() -> str | None:
        status: str = step_functions.describe_execution(executionArn=execution)["status"]
        return None if status == "RUNNING" else status

    assert wait_until(ended, "the execution ends") == "SUCCEEDED"
